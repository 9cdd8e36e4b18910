import { readFileSync } from 'node:fs';
import { readEnvironment, type ReadEnvironment } from './environment.schema.js';
import type { GatewayConfig } from './gateway-config.js';
import { isOwnAddress } from './own-address.js';

/** A configuration that the gateway will not start with; its message lists every fault. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(faults: readonly string[]) {
    super(
      `The gateway cannot start with this configuration:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
  }
}

/** Environments in which services have host names of their own. */
const COMPOSE_ENVIRONMENTS = new Set(['production', 'staging', 'local']);

/** What the contract allows whatever else is configured. */
const LOCAL_ORIGINS = ['localhost', '127.0.0.1'].flatMap((host) => [
  `http://${host}:3000`,
  `http://${host}:8080`,
]);

const CLOCK_TICK_MS = 250;
const CACHED_TOKENS = 10_000;

/** @throws ConfigurationError with all faults at once */
export function loadConfig(
  variables: Readonly<Record<string, string | undefined>> = process.env,
): GatewayConfig {
  const fileFaults = new Map<string, string>();
  const result = readEnvironment(withFiles(variables, fileFaults), new Set(fileFaults.keys()));
  const faults = [...fileFaults.values(), ...(result.ok ? [] : result.faults)];
  if (!result.ok || faults.length > 0) throw new ConfigurationError(faults);
  return deepFreeze(configFrom(result.environment));
}

function configFrom({ values, addresses }: ReadEnvironment): GatewayConfig {
  const inCompose = COMPOSE_ENVIRONMENTS.has(values.ENV);
  return {
    serviceName: 'api-gateway',
    environment: values.ENV,
    // Outside a container nobody but this machine has business with the gateway, unless HOST says so.
    host: values.HOST ?? (inCompose ? '0.0.0.0' : '127.0.0.1'),
    port: values.PORT,
    logLevel: values.LOG_LEVEL,
    allowedOrigins: new Set([...LOCAL_ORIGINS, ...values.CORS_ALLOWED_ORIGINS]),
    trust: values.TRUST_PROXY,
    auth: {
      secret: values.JWT_SECRET,
      audience: values.JWT_AUDIENCE,
      issuer: values.JWT_ISSUER,
      cachedTokens: CACHED_TOKENS,
    },
    server: {
      headerLimitBytes: values.HEADER_LIMIT_BYTES,
      headerTimeoutMs: values.CLIENT_HEADER_TIMEOUT_MS,
      keepAliveMs: values.CLIENT_KEEP_ALIVE_MS,
    },
    proxy: {
      addresses,
      network: inCompose ? 'compose' : 'local',
      isOwnAddress: (address) => isOwnAddress(address, values.PORT),
      connections: {
        connectTimeoutMs: values.CONNECT_TIMEOUT_MS,
        connections: values.UPSTREAM_CONNECTIONS,
        keepAliveMs: values.UPSTREAM_KEEP_ALIVE_MS,
        headerLimitBytes: values.HEADER_LIMIT_BYTES,
      },
      routeDeadlineMs: values.ROUTE_DEADLINE_MS,
      responseHeadersTimeoutMs: values.RESPONSE_HEADERS_TIMEOUT_MS,
      idleBodyTimeoutMs: values.IDLE_BODY_TIMEOUT_MS,
      idleEventStreamTimeoutMs: values.IDLE_EVENT_STREAM_TIMEOUT_MS,
      bodyLimitBytes: values.BODY_LIMIT_BYTES,
      minimumRate: { bytesPerSecond: values.BODY_MINIMUM_RATE_BYTES, graceMs: values.BODY_GRACE_MS },
      clockTickMs: CLOCK_TICK_MS,
    },
    drain: { noticeMs: values.DRAIN_NOTICE_MS, timeoutMs: values.DRAIN_TIMEOUT_MS },
  };
}

/** Variables that may come from a file instead, as Docker secrets do. */
const FILE_VARIABLES = ['JWT_SECRET'];

/** @param faults gets the fault of each variable whose file cannot be used */
function withFiles(
  variables: Readonly<Record<string, string | undefined>>,
  faults: Map<string, string>,
): Record<string, string | undefined> {
  const all = { ...variables };
  for (const name of FILE_VARIABLES) {
    const file = all[`${name}_FILE`];
    if (!file) continue;
    if (all[name]) {
      faults.set(name, `${name} and ${name}_FILE are both set; one is enough`);
      continue;
    }
    try {
      all[name] = readFileSync(file, 'utf8').trim();
    } catch (error) {
      faults.set(name, `${name}_FILE names a file that cannot be read: ${(error as Error).message}`);
    }
  }
  return all;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
