import { once } from 'node:events';
import { request } from 'node:http';
import { WebSocket } from 'ws';
import { LARGE, PATHS, SMALL, UPLOAD_BYTES } from './bodies.mjs';
import { runRequests } from './load/requests.mjs';

const LISTENERS = 1_000;
const BUSY_SOCKETS = 100;
/** Clients that open and close one WebSocket after the other. */
const HANDSHAKES_AT_ONCE = 50;
const IDLE_SOCKETS = 5_000;
/** Opened and closed before, so that code and tables that come with the first sockets are not counted. */
const FIRST_SOCKETS = 200;

/**
 * What is asked of the targets. `validate` throws unless one exchange had the right bytes; `round` is timed, and returns
 * figures by the `unit`. Where `isFresh`, each round has a process of its own, which can be told to collect its garbage.
 */
export const SCENARIOS = [
  requests({ key: 'get-50', title: '1 KB GET, 50 connections', path: PATHS.small, connections: 50 }),
  requests({ key: 'get-200', title: '1 KB GET, 200 connections', path: PATHS.small, connections: 200 }),
  requests({
    key: 'post',
    title: '64 KB POST, 50 connections',
    path: PATHS.small,
    connections: 50,
    upload: UPLOAD_BYTES,
  }),
  requests({ key: 'download', title: '1 MiB download, 16 connections', path: PATHS.large, connections: 16 }),
  {
    key: 'events',
    title: `Event stream, ${LISTENERS.toLocaleString('en')} listeners`,
    unit: 'event',
    speaks: 'http',
    validate: validateEvents,
    round: (bench, proxy, seconds) =>
      withClients(bench, proxy, 'listen', LISTENERS, () => bench.clients.ask({ command: 'count', seconds })),
  },
  {
    key: 'echo',
    title: `WebSocket round trips, ${BUSY_SOCKETS} sockets`,
    unit: 'round trip',
    speaks: 'websocket',
    validate: validateSocket,
    round: (bench, proxy, seconds) =>
      withClients(bench, proxy, 'connect', BUSY_SOCKETS, () =>
        bench.clients.ask({ command: 'echo', seconds }),
      ),
  },
  {
    key: 'handshakes',
    title: `WebSockets opened and closed, ${HANDSHAKES_AT_ONCE} at a time`,
    unit: 'handshake',
    speaks: 'websocket',
    validate: validateSocket,
    round: ({ clients }, proxy, seconds) =>
      timed(proxy, () =>
        clients.ask({ command: 'handshakes', port: proxy.port, count: HANDSHAKES_AT_ONCE, seconds }),
      ),
  },
  {
    key: 'idle',
    title: `${IDLE_SOCKETS.toLocaleString('en')} idle WebSockets`,
    unit: 'socket',
    speaks: 'websocket',
    isFresh: true,
    validate: validateSocket,
    round: measureIdle,
  },
];

function requests({ key, title, path, connections, upload = 0 }) {
  return {
    key,
    title,
    unit: 'request',
    speaks: 'http',
    validate: (bench, proxy) => validateRequest(bench, proxy, path, upload),
    round: ({ generator, cores, users }, proxy, seconds) =>
      timed(proxy, () =>
        runRequests({
          generator,
          core: cores.load,
          url: proxy.url + path,
          connections,
          seconds,
          users,
          upload,
        }),
      ),
  };
}

/** What was done, and what CPU time each took. */
async function timed(proxy, run) {
  const before = await proxy.cpuUs();
  const { requests: done, elapsedMs, p50Ms, p99Ms } = await run();
  const cpuUs = ((await proxy.cpuUs()) - before) / done;
  const perSecond = (done / elapsedMs) * 1_000;
  return { perSecond, p50Ms, p99Ms, cpuUs, corePercent: (perSecond * cpuUs) / 10_000 };
}

async function withClients({ clients }, proxy, command, count, run) {
  await clients.ask({ command, port: proxy.port, count });
  const figures = await timed(proxy, run);
  await clients.ask({ command: 'leave' });
  return figures;
}

async function measureIdle({ clients }, proxy) {
  await clients.ask({ command: 'connect', port: proxy.port, count: FIRST_SOCKETS });
  await clients.ask({ command: 'leave' });
  await proxy.command('collect');
  const before = await proxy.memory('VmRSS');
  await clients.ask({ command: 'connect', port: proxy.port, count: IDLE_SOCKETS });
  await proxy.command('collect');
  const each = ((await proxy.memory('VmRSS')) - before) / IDLE_SOCKETS;
  await clients.ask({ command: 'leave' });
  return { bytesEach: each };
}

async function validateRequest(bench, proxy, path, upload) {
  const outgoing = request(proxy.url + path, {
    method: upload > 0 ? 'POST' : 'GET',
    headers: { ...headersOf(bench), 'content-type': 'application/octet-stream' },
    agent: false,
  });
  outgoing.end(Buffer.alloc(upload, 'u'));
  const [response] = await once(outgoing, 'response');
  const body = Buffer.concat(await response.toArray());
  const expected = path === PATHS.large ? LARGE : SMALL;
  if (response.statusCode !== 200 || !body.equals(expected)) {
    throw new Error(`${proxy.target.key} answers ${response.statusCode} with ${body.length} bytes`);
  }
  await validateForwardedFor(bench, proxy);
}

async function validateEvents(bench, proxy) {
  const outgoing = request(proxy.url + PATHS.events, {
    headers: headersOf(bench),
    agent: false,
  }).end();
  const [response] = await once(outgoing, 'response');
  const [event] = await once(response, 'data');
  outgoing.destroy();
  if (response.statusCode !== 200 || !event.toString().startsWith('data: ')) {
    throw new Error(`${proxy.target.key} answers ${response.statusCode} with ${event}`);
  }
  await validateForwardedFor(bench, proxy);
}

async function validateSocket(bench, proxy) {
  const client = new WebSocket(proxy.url.replace('http:', 'ws:') + PATHS.socket, {
    headers: headersOf(bench),
  });
  await once(client, 'open');
  client.send('how are you');
  const [echo] = await once(client, 'message');
  if (echo.toString() !== 'how are you') throw new Error(`${proxy.target.key} echoes ${echo}`);
  await validateForwardedFor(bench, proxy);
  client.close();
  await once(client, 'close');
}

/** Of a request by which the service knows the bench again. */
function headersOf({ users, mark }) {
  return { authorization: users[0], 'x-bench': mark };
}

/** A proxy that leaves out what every service needs would be faster for nothing. */
async function validateForwardedFor({ backend, mark }, proxy) {
  const { head } = await backend.ask('head');
  if (!head.includes(mark)) throw new Error(`${proxy.target.key} has not passed the request on:\n${head}`);
  if (!/^x-forwarded-for(?::|$)\s*127\.0\.0\.1/im.test(head)) {
    throw new Error(`${proxy.target.key} sends no X-Forwarded-For:\n${head}`);
  }
}
