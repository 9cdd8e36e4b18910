import { bytes, count, milliseconds } from './setting-types.js';

/** For routes without an option of their own. */
const DEFAULTS = {
  messageLimitBytes: bytes({
    variable: 'WEBSOCKET_MAX_MESSAGE_BYTES',
    former: 'WEBSOCKET_MESSAGE_LIMIT_BYTES',
    default: 1024 * 1024,
    most: 16 * 1024 * 1024,
    meaning:
      'The largest WebSocket message either way, for routes without a limit of their own. A client that sends a larger one is closed with 1009.',
  }),
  messagesPerSecond: count({
    variable: 'WEBSOCKET_MAX_MESSAGES_PER_SECOND',
    former: 'WEBSOCKET_MESSAGES_PER_SECOND',
    default: 100,
    meaning:
      'The messages a second that a client may send, twice as many in a burst. A faster client is slowed; routes with `pastMessagesPerSecond` set to `close` close it with 1008.',
  }),
  connectionsPerUser: count({
    variable: 'WEBSOCKET_MAX_CONNECTIONS_PER_USER',
    former: 'WEBSOCKET_CONNECTIONS_PER_USER',
    default: 20,
    meaning: 'The most open WebSockets of one user on one route. Further handshakes get 429.',
  }),
  connections: count({
    variable: 'WEBSOCKET_MAX_CONNECTIONS',
    former: 'WEBSOCKET_CONNECTIONS',
    default: 10_000,
    meaning: 'The most open WebSockets on one route. Further handshakes get 429.',
  }),
};

/** WebSockets through the gateway. */
export const WEBSOCKET = {
  defaults: DEFAULTS,
  pingMs: milliseconds({
    variable: 'WEBSOCKET_PING_INTERVAL_MS',
    former: 'WEBSOCKET_PING_MS',
    default: 25_000,
    meaning:
      'The time between two pings to each relay end. An end that misses two is destroyed; proxies in front must keep silent connections for longer.',
  }),
  stallMs: milliseconds({
    variable: 'WEBSOCKET_STALL_TIMEOUT_MS',
    former: 'WEBSOCKET_STALL_MS',
    default: 30_000,
    meaning:
      'The time that one relay end may be paused because the other does not read. When it passes, both are closed with 1013.',
  }),
  closeTimeoutMs: milliseconds({
    default: 2_000,
    meaning:
      'The time that a relay end has to answer a close frame. When it passes, its connection is destroyed.',
  }),
  bufferBytes: bytes({
    variable: 'WEBSOCKET_MAX_BUFFER_BYTES',
    former: 'WEBSOCKET_BUFFER_BYTES',
    default: 64 * 1024 * 1024,
    meaning:
      'The memory of all WebSockets together, for messages that are incomplete, wait for a slow reader or wait for an upstream that is away. Above it a WebSocket of the user or upstream that holds most is closed with 1013.',
  }),
  resumeMs: milliseconds({
    variable: 'WEBSOCKET_RESUME_TIMEOUT_MS',
    former: 'WEBSOCKET_RESUME_MS',
    default: 30_000,
    meaning:
      'The time that a relay waits for its upstream to come back, on routes that resume. When it passes, the client is closed with 1012 and lost messages are counted.',
  }),
  resumeBytes: bytes({
    variable: 'WEBSOCKET_MAX_RESUME_BYTES',
    former: 'WEBSOCKET_RESUME_BYTES',
    default: 256 * 1024,
    meaning:
      'The resume buffer of each WebSocket, for messages that the client sends while the upstream is away. When it is full, the client is closed with 1012.',
  }),
};
