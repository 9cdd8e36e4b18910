import { isIP } from 'node:net';
import { isAddressRange, isInstanceAddress, type TrustOptions } from '@app/proxy';
import { z } from 'zod';
import { isHeaderName, isMethod, LONGEST_MAX_AGE } from './cors-options.js';

/** Durations and sizes are whole numbers; `description` says in faults what a variable accepts. */
const milliseconds = (fallback: number, least = 1) =>
  z.coerce
    .number()
    .int()
    .min(least)
    .max(86_400_000)
    .default(fallback)
    .describe(`milliseconds, ${least} to 86400000`);

const bytes = (fallback: number, most = 2 ** 40) =>
  z.coerce.number().int().min(1).max(most).default(fallback).describe(`bytes, 1 to ${most}`);

const count = (fallback: number) =>
  z.coerce.number().int().min(1).max(100_000).default(fallback).describe('a whole number, 1 to 100000');

const percent = (fallback: number) =>
  z.coerce.number().int().min(1).max(100).default(fallback).describe('percent, 1 to 100');

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Of an application that is no web site: `capacitor://localhost`, `app://.`, `chrome-extension://ID`. */
const APPLICATION_ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._~-]+(?::\d{1,5})?$/;

/** As a browser writes it: URLs know an origin of the web's own schemes alone, and of any other `null`. */
const isOrigin = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { origin, protocol } = new URL(text);
  return origin === text || (origin === 'null' && protocol !== 'file:' && APPLICATION_ORIGIN.test(text));
};

const names = (fallback: string, isName: (text: string) => boolean, what: string) =>
  z
    .string()
    .default(fallback)
    .transform(list)
    .refine((texts) => texts.length > 0 && texts.every(isName))
    .describe(`comma list of ${what}`);

/** An IPv4 address, or an IPv6 one in brackets, with a port or without. */
const isServer = (text: string): boolean => {
  const [, bracketed, plain] = /^(?:\[(.+)\]|([^:]+))(?::\d{1,5})?$/.exec(text) ?? [];
  return isIP(bracketed ?? plain ?? text) !== 0;
};

/** Host and optional port of a URL. */
const AUTHORITY = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** An IPv6 address stands in brackets in a URL (RFC 3986, section 3.2.2), and may come without. */
const authorityOf = (text: string): string => (isIP(text) === 6 ? `[${text}]` : text);

/** The value of an address variable, `AUTH_SERVICE_URL`. */
export const ADDRESSES = z
  .string()
  .transform(list)
  .refine((addresses) => addresses.length > 0 && addresses.every(isInstanceAddress))
  .describe('comma list of scheme://host:port, or dns://host:port');

/** The value of a limit's variable, `RATELIMIT_AUTH_LOGIN`: requests a minute. */
export const LIMIT = z.coerce
  .number()
  .int()
  .min(1)
  .max(1_000_000)
  .describe('requests a minute, 1 to 1000000');

const trust = z
  .string()
  .default('none')
  .transform((text, context): TrustOptions => {
    if (text === 'none') return { kind: 'none' };
    if (/^[1-9]\d?$/.test(text)) return { kind: 'hops', hops: Number(text) };
    const cidrs = list(text);
    if (cidrs.length > 0 && cidrs.every(isAddressRange)) return { kind: 'cidrs', cidrs };
    context.addIssue({ code: 'custom', message: 'unreadable' });
    return z.NEVER;
  })
  .describe('none, a number of hops 1 to 99, or a comma list of addresses and CIDR ranges');

/** Every variable of the gateway but the addresses of its services, with its default. */
export const VARIABLES = {
  ENV: z
    .string()
    .min(1)
    .default('development')
    .describe('a name; production, staging and local use compose host names'),
  HOST: z.string().min(1).optional().describe('an address to listen on'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080).describe('a port, 0 to 65535'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('fatal, error, warn, info, debug, trace or silent'),
  JWT_SECRET: z
    .string()
    .min(32)
    .describe('at least 32 characters, here or in the file that JWT_SECRET_FILE names'),
  JWT_AUDIENCE: z.string().min(1).default('secureconnect-api').describe('the aud of access tokens'),
  JWT_ISSUER: z.string().min(1).default('secureconnect-auth').describe('the iss of access tokens'),
  JWT_CLOCK_TOLERANCE_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(300)
    .default(5)
    .describe('seconds, 0 to 300'),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//)
    .refine((text) => URL.canParse(text))
    .optional()
    .describe('redis://[user:password@]host[:port][/database], or rediss:// for TLS'),
  REDIS_HOST: z
    .string()
    .transform(authorityOf)
    .refine((text) => AUTHORITY.test(text) && URL.canParse(`redis://${text}`))
    .optional()
    .describe('host or host:port, where REDIS_URL is not set; an IPv6 address with a port is [::1]:6379'),
  REDIS_PASSWORD: z.string().optional().describe('a password, where REDIS_URL is not set'),
  RATELIMIT: z.enum(['on', 'off']).default('on').describe('on or off'),
  GATEWAY_REPLICAS: count(1),
  CORS_ALLOWED_ORIGINS: z
    .string()
    .default('')
    .transform(list)
    .refine((origins) => origins.every(isOrigin))
    .describe('comma list of scheme://host[:port]'),
  CORS_ALLOWED_HEADERS: names(
    'Content-Type, Authorization, Idempotency-Key, X-Request-ID, traceparent, tracestate',
    isHeaderName,
    'header names, without *',
  ),
  CORS_EXPOSED_HEADERS: names(
    'X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Gateway-Error',
    isHeaderName,
    'header names, without *',
  ),
  CORS_ALLOWED_METHODS: names(
    'GET, POST, PUT, PATCH, DELETE, OPTIONS',
    isMethod,
    'methods in capitals, without CONNECT and TRACE',
  ),
  CORS_MAX_AGE_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(LONGEST_MAX_AGE)
    .default(LONGEST_MAX_AGE)
    .describe(`seconds, 0 to ${LONGEST_MAX_AGE}`),
  TRUST_PROXY: trust,
  CONNECT_TIMEOUT_MS: milliseconds(2_000),
  RESPONSE_HEADERS_TIMEOUT_MS: milliseconds(30_000),
  REQUEST_TIMEOUT_MS: milliseconds(45_000),
  STREAM_IDLE_TIMEOUT_MS: milliseconds(50_000),
  EVENT_STREAM_IDLE_TIMEOUT_MS: milliseconds(3_600_000),
  CLIENT_HEADER_TIMEOUT_MS: milliseconds(15_000),
  CLIENT_KEEP_ALIVE_TIMEOUT_MS: milliseconds(75_000),
  MAX_IDLE_CLIENT_CONNECTIONS: count(10_000),
  MAX_IDLE_CLIENT_CONNECTIONS_PER_NETWORK: count(1_000),
  UPSTREAM_KEEP_ALIVE_TIMEOUT_MS: milliseconds(4_000),
  UPSTREAM_MAX_CONNECTIONS: count(256),
  UPSTREAM_MAX_PENDING: count(1024),
  UPSTREAM_MAX_STREAMED_BODIES_PERCENT: percent(50),
  UPSTREAM_MAX_STREAMED_BODIES_PER_NETWORK_PERCENT: percent(25),
  HEALTH_CHECK_INTERVAL_MS: milliseconds(5_000, 0),
  HEALTH_CHECK_TIMEOUT_MS: milliseconds(1_000),
  OUTLIER_CONSECUTIVE_FAILURES: count(5),
  OUTLIER_EJECTION_MS: milliseconds(5_000),
  SLOW_START_MS: milliseconds(10_000, 0),
  MAX_RETRIES: z.coerce.number().int().min(0).max(2).default(2).describe('0, 1 or 2'),
  RETRY_BUDGET_PERCENT: z.coerce.number().int().min(0).max(100).default(20).describe('percent, 0 to 100'),
  SHOW_ATTEMPTS: z.enum(['on', 'off']).default('off').describe('on or off'),
  CIRCUIT_BREAKER_OPEN_MS: milliseconds(5_000),
  DNS_SERVERS: z
    .string()
    .default('')
    .transform(list)
    .refine((servers) => servers.every(isServer))
    .describe('comma list of addresses, with :port or without'),
  DNS_REFRESH_INTERVAL_MS: milliseconds(5_000, 500),
  MAX_REQUEST_BODY_BYTES: bytes(25 * 1024 * 1024),
  MAX_HEADER_BYTES: bytes(16 * 1024),
  MIN_REQUEST_BODY_RATE_BYTES: bytes(240),
  REQUEST_BODY_GRACE_MS: milliseconds(5_000),
  WEBSOCKET_MAX_MESSAGE_BYTES: bytes(1024 * 1024, 16 * 1024 * 1024),
  WEBSOCKET_MAX_MESSAGES_PER_SECOND: count(100),
  WEBSOCKET_MAX_CONNECTIONS_PER_USER: count(20),
  WEBSOCKET_MAX_CONNECTIONS: count(10_000),
  WEBSOCKET_PING_INTERVAL_MS: milliseconds(25_000),
  WEBSOCKET_STALL_TIMEOUT_MS: milliseconds(30_000),
  WEBSOCKET_MAX_BUFFER_BYTES: bytes(64 * 1024 * 1024),
  WEBSOCKET_RESUME_TIMEOUT_MS: milliseconds(30_000),
  WEBSOCKET_MAX_RESUME_BYTES: bytes(256 * 1024),
  MAX_EVENT_LOOP_DELAY_MS: milliseconds(500, 50),
  MAX_MEMORY_PERCENT: percent(90),
  MAX_REQUESTS_IN_FLIGHT: count(10_000),
  SHUTDOWN_DELAY_MS: milliseconds(5_000, 0),
  DRAIN_TIMEOUT_MS: milliseconds(30_000, 0),
} as const;

/** The variables that are secrets: each may come from the file that `<NAME>_FILE` names, and none is repeated in a fault. */
export const SECRETS: ReadonlySet<string> = new Set(['JWT_SECRET', 'REDIS_URL', 'REDIS_PASSWORD']);

export type Environment = { readonly [Name in keyof typeof VARIABLES]: z.output<(typeof VARIABLES)[Name]> };

type NumberVariable = {
  [Name in keyof Environment]: Environment[Name] extends number ? Name : never;
}[keyof Environment];

/**
 * Clocks that must be nested, since two that may fire together race: the outer one would cut the answer that the
 * inner one is about to give.
 */
export const NESTED: readonly { readonly inner: NumberVariable; readonly outer: NumberVariable }[] = [
  { inner: 'CONNECT_TIMEOUT_MS', outer: 'RESPONSE_HEADERS_TIMEOUT_MS' },
  { inner: 'RESPONSE_HEADERS_TIMEOUT_MS', outer: 'REQUEST_TIMEOUT_MS' },
  { inner: 'REQUEST_TIMEOUT_MS', outer: 'STREAM_IDLE_TIMEOUT_MS' },
  { inner: 'STREAM_IDLE_TIMEOUT_MS', outer: 'EVENT_STREAM_IDLE_TIMEOUT_MS' },
];
