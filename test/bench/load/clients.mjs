// A process with the clients that no generator of requests has: listeners to event streams, WebSockets, idle connections.
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect, Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { signToken } from '../../faults/token.mjs';
import { EVENT_BYTES, nowUs, PATHS, sentAt } from '../service/bodies.mjs';

const HOST = '127.0.0.1';
/** Handshakes at a time, so that no backlog overflows. */
const AT_ONCE = 100;
const RESPONSE_TIMEOUT_MS = 20_000;
const MESSAGE = 'm'.repeat(128);

/** Clients of one target; each is a user of its own. */
let clients = [];
/** Bytes that all listeners have had. */
let eventBytes = 0;
let latencies = createHistogram();

const COMMANDS = {
  async listen({ port, count }) {
    const agent = new Agent({ maxSockets: Infinity });
    clients = await openMany(count, () => openListener(port, agent));
  },

  /** Counts the events that come within this time. */
  async count({ seconds }) {
    latencies = createHistogram();
    const [begun, before] = [performance.now(), eventBytes];
    await delay(seconds * 1_000);
    return figures(Math.floor((eventBytes - before) / EVENT_BYTES), begun);
  },

  async connect({ port, count }) {
    clients = await openMany(count, () => openSocket(port));
  },

  /** Opens connections that have one request and are then idle. */
  async idle({ port, count }) {
    const request = `GET ${PATHS.small} HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer ${signToken()}\r\n\r\n`;
    clients = await openMany(count, () => openIdle(port, request));
  },

  /** Sends on every socket, and again with each echo, for this long. */
  async echo({ seconds }) {
    latencies = createHistogram();
    const begun = performance.now();
    const until = begun + seconds * 1_000;
    const counts = await Promise.all(clients.map((client) => echoUntil(until, client)));
    return figures(
      counts.reduce((sum, count) => sum + count, 0),
      begun,
    );
  },

  /** Opens sockets and closes each at once, so many at a time, for this long. Latencies are of the opening alone. */
  async handshakes({ port, count, seconds }) {
    latencies = createHistogram();
    const begun = performance.now();
    const until = begun + seconds * 1_000;
    const done = await Promise.all(Array.from({ length: count }, () => openUntil(until, port)));
    return figures(
      done.reduce((sum, one) => sum + one, 0),
      begun,
    );
  },

  async leave() {
    const open = clients.filter((client) => !client.closed && client.readyState !== WebSocket.CLOSED);
    const lost = clients.length - open.length;
    const closed = open.map((client) => once(client, 'close'));
    for (const client of open) {
      if (client instanceof WebSocket) client.close();
      // A reset leaves no TIME-WAIT behind: with 100,000 of them the kernel drops handshakes.
      else if (client instanceof Socket) client.resetAndDestroy();
      else client.destroy();
    }
    clients = [];
    await Promise.all(closed);
    if (lost > 0) throw new Error(`${lost} were closed by others`);
  },
};

function figures(done, begun) {
  return {
    requests: done,
    elapsedMs: performance.now() - begun,
    p50Ms: latencies.percentile(50) / 1_000,
    p99Ms: latencies.percentile(99) / 1_000,
  };
}

async function openMany(count, open) {
  const opened = [];
  while (opened.length < count) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - opened.length) }, open);
    opened.push(...(await Promise.all(batch)));
  }
  return opened;
}

async function openListener(port, agent) {
  const headers = { authorization: `Bearer ${signToken()}` };
  const [response] = await once(get({ host: HOST, port, path: PATHS.events, agent, headers }), 'response');
  if (response.statusCode !== 200) throw new Error(`an event stream has ${response.statusCode}`);
  let own = 0;
  response.on('data', (chunk) => {
    // The first event may have begun in the chunk before.
    for (let at = -own % EVENT_BYTES; at + EVENT_BYTES <= chunk.length; at += EVENT_BYTES) {
      if (at >= 0) latencies.record(Math.max(1, nowUs() - sentAt(chunk.subarray(at))));
    }
    own += chunk.length;
    eventBytes += chunk.length;
  });
  response.on('error', () => {});
  return response;
}

/** @throws Error if the connection closes before its response, or the response does not begin within 20 s */
async function openIdle(port, request) {
  const socket = connect(port, HOST);
  const { promise: closed, reject } = Promise.withResolvers();
  const onClose = () => reject(new Error('a connection closed before its response'));
  socket.once('close', onClose).write(request);
  const timer = setTimeout(() => {
    const state = `${socket.readyState}, ${socket.bytesWritten} bytes written`;
    reject(new Error(`no response within ${RESPONSE_TIMEOUT_MS / 1_000} s: the connection is ${state}`));
  }, RESPONSE_TIMEOUT_MS);
  try {
    const [head] = await Promise.race([once(socket, 'data'), closed]);
    if (!head.latin1Slice().startsWith('HTTP/1.1 200 ')) throw new Error(`a response of ${head}`);
  } finally {
    clearTimeout(timer);
    socket.off('close', onClose);
  }
  // The first chunk may end within the body.
  return socket.resume().on('error', () => {});
}

async function openSocket(port) {
  const headers = { authorization: `Bearer ${signToken()}` };
  const client = new WebSocket(`ws://${HOST}:${port}${PATHS.socket}`, { headers, perMessageDeflate: false });
  await once(client, 'open');
  return client;
}

async function openUntil(until, port) {
  let count = 0;
  for (let begun = performance.now(); begun < until; begun = performance.now()) {
    const client = await openSocket(port);
    latencies.record(Math.max(1, Math.round((performance.now() - begun) * 1_000)));
    client.close();
    await once(client, 'close');
    count++;
  }
  return count;
}

async function echoUntil(until, client) {
  let count = 0;
  let sent = performance.now();
  const { promise: done, resolve, reject } = Promise.withResolvers();
  const onEcho = (data) => {
    if (data.length !== MESSAGE.length) reject(new Error(`an echo of ${data.length} bytes`));
    const now = performance.now();
    latencies.record(Math.max(1, Math.round((now - sent) * 1_000)));
    count++;
    sent = now;
    if (now > until) resolve();
    else client.send(MESSAGE);
  };
  const onClose = (code) => reject(new Error(`closed with ${code}`));
  client.on('message', onEcho).on('close', onClose).send(MESSAGE);
  await done;
  client.off('message', onEcho).off('close', onClose);
  return count;
}

process.on('disconnect', () => process.exit());
process.on('message', ({ command, ...parameters }) => {
  COMMANDS[command](parameters).then(
    (result) => process.send(result ?? 'done'),
    (error) => process.send({ error: String(error) }),
  );
});
process.send('ready');
