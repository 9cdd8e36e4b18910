import type { GatewaySettings } from '@app/gateway';

/** A port of 127.0.0.1 without a listener, so that a connection fails at once. */
const NO_REDIS = 'redis://127.0.0.1:9';

/**
 * Settings of a gateway in a test, which replace those of the application: a free port of 127.0.0.1, a key of tokens of its own, no
 * Redis, no limits of requests, no health checks, no wait at the end.
 */
export const TEST_SETTINGS: GatewaySettings = {
  host: '127.0.0.1',
  port: 0,
  auth: { secret: 'the key of a test, which is long enough to be one' },
  redis: { url: NO_REDIS },
  rateLimit: { isOn: false },
  proxy: { checks: { intervalMs: 0 } },
  // The clients and services of the test use the same event loop, and their work must not count as overload.
  overload: { eventLoopMs: 10_000 },
  drain: { shutdownDelayMs: 0, timeoutMs: 0 },
};
