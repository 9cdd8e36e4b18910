import { PATHS } from '../service/bodies.mjs';
import { timed } from './timed.mjs';
import { validateEvents, validateRequest, validateSocket } from './validate.mjs';

const LISTENERS = 1_000;
const BUSY_SOCKETS = 100;
/** Clients that open and close one WebSocket after the other. */
const HANDSHAKES_AT_ONCE = 50;
const IDLE_SOCKETS = 5_000;
const IDLE_CLIENTS = 10_000;
/** Sockets that are opened and closed first, so that code and tables that come with the first sockets do not count. */
const FIRST_SOCKETS = 200;

/** Connections that stay open: event streams and WebSockets. */
export const STREAMS = [
  {
    key: 'events',
    title: `Event stream, ${LISTENERS.toLocaleString('en')} listeners`,
    unit: 'event',
    protocol: 'http',
    warmUpSeconds: 4,
    turnOverheadSeconds: 1.5,
    validate: validateEvents,
    round: (bench, proxy, seconds) =>
      withClients(bench, proxy, 'listen', LISTENERS, () => bench.clients.run({ command: 'count', seconds })),
  },
  {
    key: 'echo',
    title: `WebSocket round trips, ${BUSY_SOCKETS} sockets`,
    unit: 'round trip',
    protocol: 'websocket',
    turnOverheadSeconds: 0.5,
    validate: validateSocket,
    round: (bench, proxy, seconds) =>
      withClients(bench, proxy, 'connect', BUSY_SOCKETS, () =>
        bench.clients.run({ command: 'echo', seconds }),
      ),
  },
  {
    key: 'handshakes',
    title: `WebSockets opened and closed, ${HANDSHAKES_AT_ONCE} at a time`,
    unit: 'handshake',
    protocol: 'websocket',
    validate: validateSocket,
    round: ({ clients }, proxy, seconds) =>
      timed(proxy, () =>
        clients.run({ command: 'handshakes', port: proxy.port, count: HANDSHAKES_AT_ONCE, seconds }),
      ),
  },
  {
    key: 'idle',
    title: `${IDLE_SOCKETS.toLocaleString('en')} idle WebSockets`,
    unit: 'socket',
    protocol: 'websocket',
    isFresh: true,
    turnOverheadSeconds: 4,
    descriptors: 2 * IDLE_SOCKETS + 500,
    validate: validateSocket,
    round: (bench, proxy) => measureIdle(bench, proxy, 'connect', IDLE_SOCKETS),
  },
  {
    key: 'idle-clients',
    title: `${IDLE_CLIENTS.toLocaleString('en')} idle client connections`,
    unit: 'connection',
    targets: ['gateway', 'nest-hpm', 'go', 'node-http'],
    isFresh: true,
    turnOverheadSeconds: 2,
    descriptors: IDLE_CLIENTS + 500,
    // node-http forwards nothing, so that the service has no request to check.
    validate: (bench, proxy) =>
      proxy.target.key !== 'node-http' && validateRequest(bench, proxy, PATHS.small),
    protocol: 'http',
    round: (bench, proxy) => measureIdle(bench, proxy, 'idle', IDLE_CLIENTS),
  },
];

async function withClients({ clients }, proxy, command, count, run) {
  await clients.run({ command, port: proxy.port, count });
  const figures = await timed(proxy, run);
  await clients.run({ command: 'leave' });
  return figures;
}

async function measureIdle({ clients }, proxy, command, count) {
  const { port } = proxy;
  await clients.run({ command, port, count: FIRST_SOCKETS });
  await clients.run({ command: 'leave' });
  await proxy.runCommand('collect');
  const before = await proxy.memory('VmRSS');
  await clients.run({ command, port, count });
  await proxy.runCommand('collect');
  const residentBytes = await proxy.memory('VmRSS');
  await clients.run({ command: 'leave' });
  return { bytesEach: (residentBytes - before) / count, residentBytes };
}
