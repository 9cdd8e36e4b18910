import type { ResolvedProxyOptions } from './proxy.options.js';

/** The options that a team does not give. The settings of the gateway have the same defaults. */
export const PROXY_DEFAULTS: Omit<ResolvedProxyOptions, 'affinitySecret'> = {
  gates: [],
  controllerRoutes: [],
  addresses: new Map(),
  isOwnAddress: () => false,
  connections: {
    connectTimeoutMs: 2_000,
    maxConnections: 256,
    maxPending: 1024,
    keepAliveMs: 4_000,
    headerLimitBytes: 16_384,
  },
  tls: new Map(),
  tlsPollMs: 2_000,
  health: {
    failuresToEject: 5,
    ejectionMs: 5_000,
    longestEjectionMs: 60_000,
    checksToFall: 2,
    checksToRise: 2,
    slowStartMs: 10_000,
  },
  checks: { intervalMs: 5_000, timeoutMs: 1_000 },
  dns: { servers: [], refreshMs: 5_000 },
  retries: { maxRetries: 2, budgetRatio: 0.2, showsAttempts: false },
  streamedBodyLimit: { share: 0.5, networkShare: 0.25, queueTimeoutMs: 5_000 },
  breakerOpenMs: 5_000,
  clockTickMs: 250,
  requestTimeoutMs: 45_000,
  responseHeadersTimeoutMs: 30_000,
  streamIdleTimeoutMs: 50_000,
  eventStreamIdleTimeoutMs: 3_600_000,
  bodyLimitBytes: 25 * 1024 * 1024,
  minimumRate: { bytesPerSecond: 240, graceMs: 5_000 },
  sendsForwarded: false,
};
