// Loaded into the gateway before its own code: answers the fuzzer over IPC with what only the process itself knows.
import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { queryObjects } from 'node:v8';

const timer = setTimeout(() => {}, 0);
const Timeout = timer.constructor;
clearTimeout(timer);

/** Objects that go with a request or a connection: timers, and all that is a socket, a message or a WebSocket. */
const CLASSES = { Timeout, EventEmitter };

process.on('message', async () => {
  // Objects that wait for a finalizer need one more turn.
  globalThis.gc();
  await turn();
  const objects = {};
  // Each collects garbage, and takes a third of a second.
  for (const [name, type] of Object.entries(CLASSES)) objects[name] = queryObjects(type, { format: 'count' });
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const { heapUsed, external } = process.memoryUsage();
  process.send({ heapUsed, external, objects, resources });
});
process.channel.unref();
