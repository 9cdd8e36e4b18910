import { PROXY_DEFAULTS } from '@app/proxy/internal';
import { bytes, count, flag, milliseconds, ratio } from './setting-types.js';
import { ADDRESSES, CHECKS, CONNECTIONS, DNS, HEALTH, TLS } from './upstream.settings.js';

const RETRIES = {
  maxRetries: count({
    variable: 'MAX_RETRIES',
    former: 'RETRIES',
    default: PROXY_DEFAULTS.retries.maxRetries,
    least: 0,
    most: 2,
    meaning:
      'The most retries of a request. With 0 the gateway does not even retry a request that met a closed connection.',
  }),
  budgetRatio: ratio({
    variable: 'RETRY_BUDGET_PERCENT',
    default: PROXY_DEFAULTS.retries.budgetRatio,
    least: 0,
    meaning:
      'The share of the requests of the last seconds that may be retried. Above it failures are passed on, so that retries do not multiply an outage.',
  }),
  showsAttempts: flag({
    variable: 'SHOW_ATTEMPTS',
    default: PROXY_DEFAULTS.retries.showsAttempts,
    meaning:
      'Whether responses have the number of attempts in `X-Gateway-Attempts`. The number tells clients about failures of the services.',
  }),
};

const STREAMED_BODY_LIMIT = {
  share: ratio({
    variable: 'UPSTREAM_MAX_STREAMED_BODIES_PERCENT',
    default: PROXY_DEFAULTS.streamedBodyLimit.share,
    meaning:
      "The share of an upstream's connections for requests with a body that is slow or large (over 100 ms or 64 KiB), and for responses whose client has taken nothing for 10 s. Further requests wait for 5 s and then get 503; for each request that waits for a connection, the gateway cuts one of those responses.",
  }),
  networkShare: ratio({
    variable: 'UPSTREAM_MAX_STREAMED_BODIES_PER_NETWORK_PERCENT',
    default: PROXY_DEFAULTS.streamedBodyLimit.networkShare,
    meaning:
      "The share of an upstream's connections for such requests and responses of one client network, an IPv4 address or an IPv6 /64. Further requests get 429.",
  }),
  queueTimeoutMs: milliseconds({
    default: PROXY_DEFAULTS.streamedBodyLimit.queueTimeoutMs,
    meaning:
      'The time that a request with a streamed body waits while the share of streamed bodies is used up. When it passes, the client gets 503.',
  }),
};

const MINIMUM_RATE = {
  bytesPerSecond: bytes({
    variable: 'MIN_REQUEST_BODY_RATE_BYTES',
    former: 'BODY_MINIMUM_RATE_BYTES',
    default: PROXY_DEFAULTS.minimumRate.bytesPerSecond,
    meaning: 'The bytes a second that a request body must bring. A slower client gets 408.',
  }),
  graceMs: milliseconds({
    variable: 'REQUEST_BODY_GRACE_MS',
    former: 'BODY_GRACE_MS',
    default: PROXY_DEFAULTS.minimumRate.graceMs,
    meaning:
      'The time over which the rate of a request body is measured. A client that pauses for longer gets 408.',
  }),
};

/** Exchanges with upstreams. */
export const PROXY = {
  addresses: ADDRESSES,
  connections: CONNECTIONS,
  responseHeadersTimeoutMs: milliseconds({
    variable: 'RESPONSE_HEADERS_TIMEOUT_MS',
    default: PROXY_DEFAULTS.responseHeadersTimeoutMs,
    below: 'REQUEST_TIMEOUT_MS',
    meaning:
      'The time that one attempt has until the response headers. When it passes, the client gets 504, unless the request may be retried.',
  }),
  requestTimeoutMs: milliseconds({
    variable: 'REQUEST_TIMEOUT_MS',
    former: 'ROUTE_DEADLINE_MS',
    default: PROXY_DEFAULTS.requestTimeoutMs,
    below: 'STREAM_IDLE_TIMEOUT_MS',
    meaning:
      'The time from the end of the request body to the response headers, over all attempts. When it passes, the client gets 504.',
  }),
  streamIdleTimeoutMs: milliseconds({
    variable: 'STREAM_IDLE_TIMEOUT_MS',
    former: 'IDLE_BODY_TIMEOUT_MS',
    default: PROXY_DEFAULTS.streamIdleTimeoutMs,
    below: 'EVENT_STREAM_IDLE_TIMEOUT_MS',
    meaning:
      'The time that a request or response body may pause. When it passes, the gateway ends the exchange. A proxy in front needs a longer timeout.',
  }),
  eventStreamIdleTimeoutMs: milliseconds({
    variable: 'EVENT_STREAM_IDLE_TIMEOUT_MS',
    former: 'IDLE_EVENT_STREAM_TIMEOUT_MS',
    default: PROXY_DEFAULTS.eventStreamIdleTimeoutMs,
    meaning:
      'The time that an event stream, `text/event-stream`, may pause. When it passes, the gateway ends the exchange. A proxy in front needs a longer timeout.',
  }),
  bodyLimitBytes: bytes({
    variable: 'MAX_REQUEST_BODY_BYTES',
    former: 'BODY_LIMIT_BYTES',
    default: PROXY_DEFAULTS.bodyLimitBytes,
    meaning: 'The largest request body, for routes without a limit of their own. A larger one gets 413.',
  }),
  sendsForwarded: flag({
    variable: 'FORWARDED_HEADER',
    default: PROXY_DEFAULTS.sendsForwarded,
    meaning:
      'Whether services get `Forwarded` (RFC 7239) beside `X-Forwarded-*`. The gateway replaces that of a client, and appends its element to that of a trusted proxy; if it is off, that of a trusted proxy passes as it is.',
  }),
  minimumRate: MINIMUM_RATE,
  streamedBodyLimit: STREAMED_BODY_LIMIT,
  retries: RETRIES,
  health: HEALTH,
  checks: CHECKS,
  breakerOpenMs: milliseconds({
    variable: 'CIRCUIT_BREAKER_OPEN_MS',
    former: 'BREAKER_OPEN_MS',
    default: PROXY_DEFAULTS.breakerOpenMs,
    meaning:
      'The time that the circuit breaker of an upstream stays open. Its requests get 503 meanwhile; then three probes decide.',
  }),
  dns: DNS,
  tls: TLS,
  tlsPollMs: milliseconds({
    default: PROXY_DEFAULTS.tlsPollMs,
    meaning:
      'The time between two checks of the TLS files. After a check, new connections use changed files.',
  }),
  clockTickMs: milliseconds({
    default: PROXY_DEFAULTS.clockTickMs,
    meaning: 'The time between two checks of the timeouts. A timeout may be late by this time.',
  }),
};
