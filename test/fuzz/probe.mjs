// Loaded into the gateway before its own code: answers the fuzzer over IPC with what only the process itself knows.
import { Socket } from 'node:net';
import { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { queryObjects } from 'node:v8';

const timer = setTimeout(() => {}, 0);
const Timeout = timer.constructor;
clearTimeout(timer);

/** Objects that a request or a connection makes and that go with it. */
const CLASSES = { Timeout, Socket, IncomingMessage, ServerResponse, AbortController };

process.on('message', async () => {
  // Objects that wait for a finalizer need one more turn.
  for (let round = 0; round < 2; round++) {
    globalThis.gc();
    await turn();
  }
  const objects = {};
  for (const [name, type] of Object.entries(CLASSES)) objects[name] = queryObjects(type, { format: 'count' });
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const { heapUsed, external } = process.memoryUsage();
  process.send({ heapUsed, external, objects, resources });
});
process.channel.unref();
