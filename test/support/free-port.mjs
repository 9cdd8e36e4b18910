import { once } from 'node:events';
import { createServer } from 'node:net';

// Below 32768, where Linux begins to pick the ports of outgoing connections: one of these could take a port between this
// check and the start of its program. Above 10080, which `fetch` refuses.
const LOWEST = 10_100;
const PORTS_OF_WORKER = 2_200;
const WORKERS = 10;

/** Workers of Jest get ports of their own; other processes share the first part. */
const first = LOWEST + (Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS) * PORTS_OF_WORKER;
let offset = Math.floor(Math.random() * PORTS_OF_WORKER);

/**
 * A port that was free a moment ago, for programs that need their port before they listen. No port comes twice until all
 * 2,200 of this process were given.
 *
 * @param {string} host the address to listen on
 * @returns {Promise<number>}
 */
export async function freePort(host = '127.0.0.1') {
  for (;;) {
    offset = (offset + 1) % PORTS_OF_WORKER;
    if (await isFree(first + offset, host)) return first + offset;
  }
}

async function isFree(port, host) {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    if (error.code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
