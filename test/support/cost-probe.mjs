// Loaded into a gateway's process, with --expose-gc: counts the objects that its requests make, and those that stay.
import { createHook } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';

/** The number of resources made, by type of `async_hooks`, and of listeners. */
let made = {};
const count = (type) => (made[type] = (made[type] ?? 0) + 1);
const hook = createHook({ init: (_id, type) => count(type) });

for (const method of ['on', 'addListener', 'prependListener']) {
  const original = EventEmitter.prototype[method];
  EventEmitter.prototype[method] = function (...parameters) {
    count('listener');
    return original.apply(this, parameters);
  };
}

let before;
let collections = [];
const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
observer.observe({ entryTypes: ['gc'] });

function heap() {
  const old = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space');
  return { bytes: process.memoryUsage().heapUsed, oldBytes: old.space_used_size };
}

const COMMANDS = {
  count() {
    made = {};
    hook.enable();
    return {};
  },
  counted() {
    hook.disable();
    return made;
  },
  weigh() {
    globalThis.gc();
    before = { ...heap(), at: performance.now() };
    return {};
  },
  /** The growth of the heap and of its old generation, in bytes, and the collections meanwhile. */
  weighed() {
    const { bytes, oldBytes } = heap();
    collections.push(...observer.takeRecords());
    const since = collections.filter(({ startTime }) => startTime >= before.at);
    const minor = since.filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MINOR).length;
    return {
      bytes: bytes - before.bytes,
      oldBytes: oldBytes - before.oldBytes,
      minor,
      full: since.length - minor,
    };
  },
};

process.on('message', (command) => {
  // After the work that the last request left behind.
  setImmediate(() => setImmediate(() => process.send(COMMANDS[command]())));
});
process.on('disconnect', () => process.exit());
