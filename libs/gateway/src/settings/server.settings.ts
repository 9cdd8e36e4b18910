import { PROXY_DEFAULTS } from '@app/proxy/internal';
import { bytes, count, milliseconds, percent } from './setting-types.js';

/** Connections of clients. */
export const SERVER = {
  headerLimitBytes: bytes({
    variable: 'MAX_HEADER_BYTES',
    former: 'HEADER_LIMIT_BYTES',
    default: PROXY_DEFAULTS.connections.headerLimitBytes,
    meaning:
      'The largest header block of a request or response. A larger request gets 431, and a larger response becomes 502.',
  }),
  headerTimeoutMs: milliseconds({
    variable: 'CLIENT_HEADER_TIMEOUT_MS',
    default: 15_000,
    meaning:
      'The time that a client has to send the whole header block of a request. When it passes, the client gets 408.',
  }),
  keepAliveMs: milliseconds({
    variable: 'CLIENT_KEEP_ALIVE_TIMEOUT_MS',
    former: 'CLIENT_KEEP_ALIVE_MS',
    default: 75_000,
    meaning:
      'The time that an unused client connection stays open. It must be longer than the keep-alive timeout of the proxy in front, or requests meet a closed connection.',
  }),
  idleConnections: count({
    variable: 'MAX_IDLE_CLIENT_CONNECTIONS',
    former: 'CLIENT_IDLE_CONNECTIONS',
    default: 10_000,
    meaning:
      'The most client connections without a request. Above it the gateway closes those that were idle longest.',
  }),
  idleConnectionsPerNetwork: count({
    variable: 'MAX_IDLE_CLIENT_CONNECTIONS_PER_NETWORK',
    former: 'CLIENT_IDLE_CONNECTIONS_PER_NETWORK',
    default: 1_000,
    meaning:
      'The most connections without a request from one client network, an IPv4 address or an IPv6 /64. Trusted proxies are exempt; an nginx that is not trusted needs 64 for each worker.',
  }),
};

/** Thresholds above which new requests and WebSockets get 503. */
export const OVERLOAD = {
  eventLoopMs: milliseconds({
    variable: 'MAX_EVENT_LOOP_DELAY_MS',
    former: 'OVERLOAD_EVENT_LOOP_MS',
    default: 500,
    least: 50,
    meaning:
      'The longest delay of the event loop before the gateway sheds load. When it is exceeded twice without a second below it, new requests and WebSockets get 503.',
  }),
  memoryPercent: percent({
    variable: 'MAX_MEMORY_PERCENT',
    former: 'OVERLOAD_MEMORY_PERCENT',
    default: 90,
    meaning:
      "The higher of two ratios before the gateway sheds load: resident memory to the container's limit, used heap to V8's limit. Above it new requests and WebSockets get 503.",
  }),
  inFlight: count({
    variable: 'MAX_REQUESTS_IN_FLIGHT',
    former: 'OVERLOAD_IN_FLIGHT',
    default: 10_000,
    meaning: 'The most requests in flight at a time. Further requests get 503 until one ends.',
  }),
};

/** From the signal to the exit. */
export const DRAIN = {
  shutdownDelayMs: milliseconds({
    variable: 'SHUTDOWN_DELAY_MS',
    former: 'DRAIN_NOTICE_MS',
    default: 5_000,
    least: 0,
    meaning:
      'The time after SIGTERM in which the gateway still accepts requests. Load balancers need it to see the failed readiness check; if it is too short, they send requests to a closed port.',
  }),
  timeoutMs: milliseconds({
    variable: 'DRAIN_TIMEOUT_MS',
    default: 30_000,
    least: 0,
    meaning:
      'The time after the shutdown delay in which requests in flight finish and WebSockets close. When it passes, the gateway destroys the connections that are left.',
  }),
};
