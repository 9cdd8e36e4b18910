import type { GatewayConfig } from './gateway-config.js';
import { isOwnAddress } from './own-address.js';
import { readEnvironment, type ReadEnvironment } from './read-environment.js';
import type { Variables } from './variables.js';

/** Environments in which services have host names of their own. */
const COMPOSE_ENVIRONMENTS = new Set(['production', 'staging', 'local']);

/** Pages in development; in production anything may run on a user's machine. */
const LOCAL_ORIGINS = ['localhost', '127.0.0.1'].flatMap((host) => [
  `http://${host}:3000`,
  `http://${host}:8080`,
]);

const LONGEST_EJECTION_MS = 60_000;
const CLOCK_TICK_MS = 250;
const TLS_POLL_MS = 2_000;
const CACHED_TOKENS = 10_000;
const CLOSE_TIMEOUT_MS = 2_000;
const STREAMED_BODY_QUEUE_TIMEOUT_MS = 5_000;
const REVOKED_TOKENS = 250_000;
/** For its limit a request waits as long as this, and half as long for its token where that is looked up: 90 in all. */
const REDIS_COMMAND_TIMEOUT_MS = 60;

/** @param checksTlsFiles see `readEnvironment` @throws ConfigurationError with all faults at once */
export function loadConfig(variables: Variables = process.env, checksTlsFiles = true): GatewayConfig {
  return deepFreeze(configFrom(readEnvironment(variables, checksTlsFiles)));
}

function configFrom({ values, addresses, limits, tls }: ReadEnvironment): GatewayConfig {
  const inCompose = COMPOSE_ENVIRONMENTS.has(values.ENV);
  return {
    serviceName: 'api-gateway',
    // Outside a container nobody but this machine has business with the gateway, unless HOST says so.
    host: values.HOST ?? (inCompose ? '0.0.0.0' : '127.0.0.1'),
    port: values.PORT,
    logLevel: values.LOG_LEVEL,
    cors: {
      allowedOrigins: new Set([
        ...values.CORS_ALLOWED_ORIGINS,
        ...(values.ENV === 'production' ? [] : LOCAL_ORIGINS),
      ]),
      allowedHeaders: values.CORS_ALLOWED_HEADERS,
      exposedHeaders: values.CORS_EXPOSED_HEADERS,
      allowedMethods: values.CORS_ALLOWED_METHODS,
      maxAgeSeconds: values.CORS_MAX_AGE_SECONDS,
    },
    trust: values.TRUST_PROXY,
    auth: {
      secret: values.JWT_SECRET,
      audience: values.JWT_AUDIENCE,
      issuer: values.JWT_ISSUER,
      clockToleranceSeconds: values.JWT_CLOCK_TOLERANCE_SECONDS,
      cachedTokens: CACHED_TOKENS,
      revokedTokens: REVOKED_TOKENS,
    },
    redis: {
      url: values.REDIS_URL ?? `redis://${values.REDIS_HOST ?? (inCompose ? 'redis' : '127.0.0.1')}`,
      password: values.REDIS_PASSWORD,
      commandTimeoutMs: REDIS_COMMAND_TIMEOUT_MS,
    },
    rateLimit: {
      isOn: values.RATELIMIT === 'on',
      perMinute: limits,
      replicas: values.GATEWAY_REPLICAS,
    },
    server: {
      headerLimitBytes: values.MAX_HEADER_BYTES,
      headerTimeoutMs: values.CLIENT_HEADER_TIMEOUT_MS,
      keepAliveMs: values.CLIENT_KEEP_ALIVE_TIMEOUT_MS,
      idleConnections: values.MAX_IDLE_CLIENT_CONNECTIONS,
      idleConnectionsPerNetwork: values.MAX_IDLE_CLIENT_CONNECTIONS_PER_NETWORK,
    },
    proxy: {
      addresses,
      network: inCompose ? 'compose' : 'local',
      isOwnAddress: (address) => isOwnAddress(address, values.PORT),
      connections: {
        connectTimeoutMs: values.CONNECT_TIMEOUT_MS,
        maxConnections: values.UPSTREAM_MAX_CONNECTIONS,
        maxPending: values.UPSTREAM_MAX_PENDING,
        keepAliveMs: values.UPSTREAM_KEEP_ALIVE_TIMEOUT_MS,
        headerLimitBytes: values.MAX_HEADER_BYTES,
      },
      tls,
      tlsPollMs: TLS_POLL_MS,
      health: {
        failuresToEject: values.OUTLIER_CONSECUTIVE_FAILURES,
        ejectionMs: values.OUTLIER_EJECTION_MS,
        longestEjectionMs: Math.max(LONGEST_EJECTION_MS, values.OUTLIER_EJECTION_MS),
        checksToFall: 2,
        checksToRise: 2,
        slowStartMs: values.SLOW_START_MS,
      },
      checks: { intervalMs: values.HEALTH_CHECK_INTERVAL_MS, timeoutMs: values.HEALTH_CHECK_TIMEOUT_MS },
      dns: { servers: values.DNS_SERVERS, refreshMs: values.DNS_REFRESH_INTERVAL_MS },
      retries: {
        maxRetries: values.MAX_RETRIES,
        budgetRatio: values.RETRY_BUDGET_PERCENT / 100,
        showsAttempts: values.SHOW_ATTEMPTS === 'on',
      },
      streamedBodyLimit: {
        share: values.UPSTREAM_MAX_STREAMED_BODIES_PERCENT / 100,
        networkShare: values.UPSTREAM_MAX_STREAMED_BODIES_PER_NETWORK_PERCENT / 100,
        queueTimeoutMs: STREAMED_BODY_QUEUE_TIMEOUT_MS,
      },
      breakerOpenMs: values.CIRCUIT_BREAKER_OPEN_MS,
      requestTimeoutMs: values.REQUEST_TIMEOUT_MS,
      responseHeadersTimeoutMs: values.RESPONSE_HEADERS_TIMEOUT_MS,
      streamIdleTimeoutMs: values.STREAM_IDLE_TIMEOUT_MS,
      eventStreamIdleTimeoutMs: values.EVENT_STREAM_IDLE_TIMEOUT_MS,
      bodyLimitBytes: values.MAX_REQUEST_BODY_BYTES,
      minimumRate: {
        bytesPerSecond: values.MIN_REQUEST_BODY_RATE_BYTES,
        graceMs: values.REQUEST_BODY_GRACE_MS,
      },
      clockTickMs: CLOCK_TICK_MS,
    },
    websocket: {
      defaults: {
        messageLimitBytes: values.WEBSOCKET_MAX_MESSAGE_BYTES,
        messagesPerSecond: values.WEBSOCKET_MAX_MESSAGES_PER_SECOND,
        connectionsPerUser: values.WEBSOCKET_MAX_CONNECTIONS_PER_USER,
        connections: values.WEBSOCKET_MAX_CONNECTIONS,
      },
      pingMs: values.WEBSOCKET_PING_INTERVAL_MS,
      stallMs: values.WEBSOCKET_STALL_TIMEOUT_MS,
      closeTimeoutMs: CLOSE_TIMEOUT_MS,
      bufferBytes: values.WEBSOCKET_MAX_BUFFER_BYTES,
      resumeMs: values.WEBSOCKET_RESUME_TIMEOUT_MS,
      resumeBytes: values.WEBSOCKET_MAX_RESUME_BYTES,
    },
    overload: {
      eventLoopMs: values.MAX_EVENT_LOOP_DELAY_MS,
      memoryPercent: values.MAX_MEMORY_PERCENT,
      inFlight: values.MAX_REQUESTS_IN_FLIGHT,
    },
    drain: { noticeMs: values.SHUTDOWN_DELAY_MS, timeoutMs: values.DRAIN_TIMEOUT_MS },
  };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
