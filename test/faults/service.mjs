// A service that the bench starts, harms and kills: reads (GET /v1/messages?n=7) and writes (POST {"n": 7}), each write
// a line in a ledger before it is answered. `instance.mjs` is its remote control.
import { appendFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const { NAME, HOST, PORT, LEDGER, START_DELAY_MS = '0' } = process.env;

/** What a response has beside its number, so that one that is cut short can be told from a whole one. */
const FILLER = 'm'.repeat(1_024);

const LARGE = Buffer.alloc(2 * 1_024 * 1_024, 'large ');

/** Without a request, after which none is on its way over a connection that was kept. */
const QUIET_MS = 500;
const LONGEST_STOP_MS = 5_000;

/** How it meets requests; the bench changes it by IPC. */
const behaviour = {
  /** Until a request that was executed is answered. */
  latencyMs: 2,
  /** Whether all but `/health` gets 503, and nothing is executed. */
  isFailing: false,
  /** Of requests whose connection is reset, half of them after they were executed. */
  resetShare: 0,
  /** Whether new connections are refused. */
  isRefusing: false,
  /** How it ends on SIGTERM: `gentle` lets connections that were kept fall idle, `plain` is Node's `server.close()`. */
  stop: 'gentle',
};

let isClosing = false;
let lastRequestAt = 0;

async function answer(request, response) {
  if (isClosing) response.setHeader('Connection', 'close');
  const url = new URL(request.url, 'http://service');
  if (url.pathname === '/health') {
    response.end('{"status":"ok"}');
    return;
  }
  const way = url.searchParams.get('way');
  if (way !== null) {
    await serveLeaver(way, request, response);
    return;
  }
  const n = await numberOf(request, url);
  if (behaviour.isFailing) {
    send(response, 503, { error: 'burst' });
    return;
  }
  const luck = Math.random();
  if (luck < behaviour.resetShare / 2) {
    request.socket.resetAndDestroy();
    return;
  }
  if (request.method === 'POST') appendFileSync(LEDGER, `${n}\n`);
  if (luck < behaviour.resetShare) {
    request.socket.resetAndDestroy();
    return;
  }
  await delay(behaviour.latencyMs);
  send(response, 200, { n, filler: FILLER });
}

/** For clients that leave in the middle: an answer that is long in coming, a large one, an upload that is read. */
async function serveLeaver(way, request, response) {
  if (way === 'wait') await delay(200);
  await request.resume().toArray();
  response.end(way === 'read' ? LARGE : '{}');
}

async function numberOf(request, url) {
  if (request.method !== 'POST') return Number(url.searchParams.get('n'));
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks)).n;
}

function send(response, status, content) {
  if (isClosing && !response.headersSent) response.setHeader('Connection', 'close');
  const body = JSON.stringify(content);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'X-Instance': NAME,
  });
  response.end(body);
}

const server = createServer((request, response) => {
  lastRequestAt = performance.now();
  // A client that left is no fault of the service.
  answer(request, response).catch(() => request.destroy());
});
const { keepAliveTimeout } = server;

async function listen() {
  isClosing = false;
  server.keepAliveTimeout = keepAliveTimeout;
  server.listen({ host: HOST, port: Number(PORT), backlog: 4_096 });
  await once(server, 'listening');
}

/** No new connections; those there are end with their next answer, and are not cut while one may be on its way. */
function refuse() {
  isClosing = true;
  server.keepAliveTimeout = QUIET_MS;
  NetServer.prototype.close.call(server);
}

async function behave(change) {
  const wasRefusing = behaviour.isRefusing;
  Object.assign(behaviour, change);
  if (behaviour.isRefusing && !wasRefusing) refuse();
  if (!behaviour.isRefusing && wasRefusing) await listen();
}

process.on('message', ({ id, change }) => {
  behave(change).then(
    () => process.send({ id }),
    (error) => process.send({ id, error: String(error) }),
  );
});
// The bench is gone.
process.on('disconnect', () => process.exit());
process.once('SIGTERM', () => void stop());

async function stop() {
  if (behaviour.stop === 'gentle') {
    if (server.listening) refuse();
    const until = performance.now() + LONGEST_STOP_MS;
    lastRequestAt = performance.now();
    while (performance.now() < Math.min(lastRequestAt + QUIET_MS, until)) await delay(20);
  }
  server.close(() => process.exit());
}

await delay(Number(START_DELAY_MS));
await listen();
process.send({ id: 'listening' });
