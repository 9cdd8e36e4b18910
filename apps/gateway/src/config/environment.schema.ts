import { isAddressRange, type TrustOptions } from '@app/proxy';
import { z } from 'zod';

/** Durations and sizes are whole numbers; `description` says what a variable accepts, in faults and documents alike. */
const milliseconds = (fallback: number, least = 1) =>
  z.coerce
    .number()
    .int()
    .min(least)
    .max(86_400_000)
    .default(fallback)
    .describe(`milliseconds, ${least} to 86400000`);

const bytes = (fallback: number) =>
  z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 40)
    .default(fallback)
    .describe('bytes, 1 to 1099511627776');

const count = (fallback: number) =>
  z.coerce.number().int().min(1).max(100_000).default(fallback).describe('a whole number, 1 to 100000');

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

const isInstance = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
};

const instances = z
  .string()
  .transform(list)
  .refine((addresses) => addresses.length > 0 && addresses.every(isInstance))
  .describe('comma list of scheme://host:port');

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
const VARIABLES = {
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
  CORS_ALLOWED_ORIGINS: z
    .string()
    .default('')
    .transform(list)
    .refine((origins) => origins.every(isOrigin))
    .describe('comma list of scheme://host[:port]'),
  TRUST_PROXY: trust,
  CONNECT_TIMEOUT_MS: milliseconds(2_000),
  RESPONSE_HEADERS_TIMEOUT_MS: milliseconds(30_000),
  ROUTE_DEADLINE_MS: milliseconds(45_000),
  IDLE_BODY_TIMEOUT_MS: milliseconds(50_000),
  IDLE_EVENT_STREAM_TIMEOUT_MS: milliseconds(3_600_000),
  CLIENT_HEADER_TIMEOUT_MS: milliseconds(15_000),
  CLIENT_KEEP_ALIVE_MS: milliseconds(75_000),
  UPSTREAM_KEEP_ALIVE_MS: milliseconds(4_000),
  UPSTREAM_CONNECTIONS: count(256),
  BODY_LIMIT_BYTES: bytes(25 * 1024 * 1024),
  HEADER_LIMIT_BYTES: bytes(16 * 1024),
  BODY_MINIMUM_RATE_BYTES: bytes(240),
  BODY_GRACE_MS: milliseconds(5_000),
  DRAIN_NOTICE_MS: milliseconds(5_000, 0),
  DRAIN_TIMEOUT_MS: milliseconds(30_000, 0),
} as const;

/** The address list of a service, by the service's name: `AUTH_SERVICE_URL` for `auth-service`. */
const ADDRESS_VARIABLE = /^[A-Z][A-Z0-9_]*_SERVICE_URL$/;

export type Environment = { readonly [Name in keyof typeof VARIABLES]: z.output<(typeof VARIABLES)[Name]> };

type Clock = {
  [Name in keyof Environment]: Environment[Name] extends number ? Name : never;
}[keyof Environment];

/**
 * Clocks that must be nested, since two that may fire together race: the outer one would cut the answer that the
 * inner one is about to give.
 */
const NESTED: readonly { inner: Clock; outer: Clock }[] = [
  { inner: 'CONNECT_TIMEOUT_MS', outer: 'RESPONSE_HEADERS_TIMEOUT_MS' },
  { inner: 'RESPONSE_HEADERS_TIMEOUT_MS', outer: 'ROUTE_DEADLINE_MS' },
  { inner: 'ROUTE_DEADLINE_MS', outer: 'IDLE_BODY_TIMEOUT_MS' },
  { inner: 'IDLE_BODY_TIMEOUT_MS', outer: 'IDLE_EVENT_STREAM_TIMEOUT_MS' },
  { inner: 'UPSTREAM_KEEP_ALIVE_MS', outer: 'CLIENT_KEEP_ALIVE_MS' },
];

/** Variables whose value may not be repeated in a fault. */
const SECRETS: ReadonlySet<string> = new Set(['JWT_SECRET']);

/** User and password of an address. */
const PASSWORDS = /\/\/[^@/,]*@/g;

export interface ReadEnvironment {
  readonly values: Environment;
  /** Addresses by upstream name. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
}

export type EnvironmentResult =
  | { readonly ok: true; readonly environment: ReadEnvironment }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * Reads and judges all variables, so that every fault is told at once. An empty variable counts as not set.
 * @param faulty variables whose fault is told already
 */
export function readEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  faulty: ReadonlySet<string>,
): EnvironmentResult {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(VARIABLES)) {
    if (faulty.has(name)) continue;
    const text = variables[name] === '' ? undefined : variables[name];
    const parsed = (schema as z.ZodType).safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else faults.push(describeFault(name, text, schema.description));
  }
  const addresses = new Map<string, readonly string[]>();
  for (const [name, text] of Object.entries(variables)) {
    if (!ADDRESS_VARIABLE.test(name) || !text) continue;
    const parsed = instances.safeParse(text);
    if (parsed.success) addresses.set(upstreamNameFor(name), parsed.data);
    else faults.push(describeFault(name, text, instances.description));
  }
  faults.push(...nestingFaults(values));
  return faults.length > 0
    ? { ok: false, faults }
    : { ok: true, environment: { values: values as Environment, addresses } };
}

/** The names of all variables, for the documents that list them. */
export const VARIABLE_NAMES: readonly string[] = Object.keys(VARIABLES);

function nestingFaults(values: Record<string, unknown>): string[] {
  return NESTED.filter(({ inner, outer }) => Number(values[inner]) >= Number(values[outer])).map(
    ({ inner, outer }) =>
      `${inner} (${String(values[inner])}) must be less than ${outer} (${String(values[outer])})`,
  );
}

function describeFault(name: string, text: string | undefined, accepts: string | undefined): string {
  const got =
    text === undefined
      ? 'is not set'
      : SECRETS.has(name)
        ? `has ${text.length} characters`
        : `is "${text.replace(PASSWORDS, '//[hidden]@')}"`;
  return `${name} ${got}; it takes ${accepts}`;
}

function upstreamNameFor(variable: string): string {
  return variable.slice(0, -'_URL'.length).toLowerCase().replaceAll('_', '-');
}
