import { readFileSync } from 'node:fs';
import type { TlsOptions } from '@app/proxy';
import type { z } from 'zod';
import { ConfigurationError, type ConfigurationFault } from './configuration.error.js';
import { FORMER_NAMES } from './former-names.js';
import { ADDRESSES, LIMIT, NESTED, SECRETS, VARIABLES, type Environment } from './environment.schema.js';
import { readTls } from './read-tls.js';
import { upstreamNameFor } from './upstream-variables.js';
import type { Variables } from './variables.js';

export interface ReadEnvironment {
  readonly values: Environment;
  /** Addresses by upstream name. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** Requests a minute by the name of a limit. */
  readonly limits: ReadonlyMap<string, number>;
  /** TLS settings by upstream name. */
  readonly tls: ReadonlyMap<string, TlsOptions>;
}

/** The address list of a service, by the service's name: `AUTH_SERVICE_URL` for `auth-service`. */
const ADDRESS_VARIABLE = /^([A-Z][A-Z0-9_]*_SERVICE)_URL$/;

/** A limit, by its name: `RATELIMIT_AUTH_LOGIN` for `AUTH_LOGIN`. */
const LIMIT_VARIABLE = /^RATELIMIT_([A-Z0-9_]+)$/;

/** User and password of an address. */
const PASSWORDS = /\/\/[^@/,]*@/g;

/**
 * Reads all variables; an empty one counts as not set.
 * @param checksTlsFiles whether the TLS files that they name are on this machine, and so must be usable
 * @throws ConfigurationError with all faults at once
 */
export function readEnvironment(variables: Variables, checksTlsFiles = true): ReadEnvironment {
  const faults: ConfigurationFault[] = formerNameFaults(variables);
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries<z.ZodType>(VARIABLES)) {
    const read: Read = SECRETS.has(name)
      ? readSecret(name, variables)
      : { text: variables[name]?.trim() || undefined };
    if (read.fault !== undefined) faults.push(read.fault);
    else judge(name, read.text, schema, faults, (value) => (values[name] = value));
  }
  const addresses = new Map<string, readonly string[]>();
  const limits = new Map<string, number>();
  for (const [name, text] of Object.entries(variables)) {
    if (!text) continue;
    const limit = LIMIT_VARIABLE.exec(name)?.[1];
    if (limit !== undefined) judge(name, text, LIMIT, faults, (value) => limits.set(limit, value));
    const service = ADDRESS_VARIABLE.exec(name)?.[1];
    if (service !== undefined)
      judge(name, text, ADDRESSES, faults, (value) => addresses.set(upstreamNameFor(service), value));
  }
  const { tls, faults: tlsFaults } = readTls(variables, checksTlsFiles);
  faults.push(...nestingFaults(values), ...redisFaults(values), ...tlsFaults);
  if (faults.length > 0) throw new ConfigurationError(faults);
  return { values: values as Environment, addresses, limits, tls };
}

/** A variable that had an effect once and has none now would change the gateway without a word. */
function formerNameFaults(variables: Variables): ConfigurationFault[] {
  return [...FORMER_NAMES]
    .filter(([former]) => variables[former])
    .map(([former, name]) => ({
      variables: [former],
      message: `${former} is now called ${name}`,
      expected: name,
    }));
}

function judge<Value>(
  name: string,
  text: string | undefined,
  schema: z.ZodType<Value>,
  faults: ConfigurationFault[],
  accept: (value: Value) => void,
): void {
  const parsed = schema.safeParse(text);
  if (parsed.success) {
    accept(parsed.data);
    return;
  }
  const takes = schema.description ?? 'another value';
  faults.push({
    variables: [name],
    message: `${name} ${describeValue(name, text)}; it takes ${takes}`,
    expected: takes,
  });
}

function describeValue(name: string, text: string | undefined): string {
  if (text === undefined) return 'is not set';
  return SECRETS.has(name)
    ? `has ${text.length} characters`
    : `is "${text.replace(PASSWORDS, '//[hidden]@')}"`;
}

/** A variable's text, or why there is none. */
interface Read {
  readonly text?: string | undefined;
  readonly fault?: ConfigurationFault;
}

/** A secret from its variable, or from the file that its other variable names, as Docker secrets are given. */
function readSecret(name: string, variables: Variables): Read {
  const [text, file] = [variables[name] || undefined, variables[`${name}_FILE`] || undefined];
  if (file === undefined) return { text };
  if (text !== undefined) {
    const message = `${name} and ${name}_FILE are both set; one is enough`;
    return { fault: { variables: [name, `${name}_FILE`], message, expected: 'one of the two' } };
  }
  try {
    return { text: readFileSync(file, 'utf8').trim() };
  } catch (error) {
    const message = `${name}_FILE names a file that cannot be read: ${(error as Error).message}`;
    return { fault: { variables: [`${name}_FILE`], message, expected: 'a file that can be read' } };
  }
}

function nestingFaults(values: Readonly<Record<string, unknown>>): ConfigurationFault[] {
  return NESTED.filter(({ inner, outer }) => Number(values[inner]) >= Number(values[outer])).map(
    ({ inner, outer }) => ({
      variables: [inner, outer],
      message: `${inner} (${String(values[inner])}) must be less than ${outer} (${String(values[outer])})`,
      expected: `${inner} less than ${outer}`,
    }),
  );
}

/** Which of the two would count is nothing to guess. */
function redisFaults({ REDIS_URL, ...values }: Readonly<Record<string, unknown>>): ConfigurationFault[] {
  if (REDIS_URL === undefined) return [];
  return ['REDIS_HOST', 'REDIS_PASSWORD']
    .filter((name) => values[name] !== undefined)
    .map((name) => ({
      variables: ['REDIS_URL', name],
      message: `REDIS_URL and ${name} are both set; the URL says it all`,
      expected: 'REDIS_URL alone',
    }));
}
