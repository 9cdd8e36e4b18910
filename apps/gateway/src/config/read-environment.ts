import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { ADDRESSES, NESTED, SECRETS, VARIABLES, type Environment } from './environment.schema.js';

/** A configuration that the gateway will not start with; its message lists every fault. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(faults: readonly string[]) {
    super(
      `The gateway cannot start with this configuration:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
  }
}

/** The process's variables, as `process.env` has them. */
export type Variables = Readonly<Record<string, string | undefined>>;

export interface ReadEnvironment {
  readonly values: Environment;
  /** Addresses by upstream name. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
}

/** The address list of a service, by the service's name: `AUTH_SERVICE_URL` for `auth-service`. */
const ADDRESS_VARIABLE = /^[A-Z][A-Z0-9_]*_SERVICE_URL$/;

/** User and password of an address. */
const PASSWORDS = /\/\/[^@/,]*@/g;

/** Reads all variables; an empty one counts as not set. @throws ConfigurationError with all faults at once */
export function readEnvironment(variables: Variables): ReadEnvironment {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries<z.ZodType>(VARIABLES)) {
    const read: Read = SECRETS.has(name)
      ? readSecret(name, variables)
      : { text: variables[name]?.trim() || undefined };
    if (read.fault !== undefined) faults.push(read.fault);
    else judge(name, read.text, schema, faults, (value) => (values[name] = value));
  }
  const addresses = new Map<string, readonly string[]>();
  for (const [name, text] of Object.entries(variables)) {
    if (!ADDRESS_VARIABLE.test(name) || !text) continue;
    judge(name, text, ADDRESSES, faults, (value) => addresses.set(upstreamNameFor(name), value));
  }
  faults.push(...nestingFaults(values));
  if (faults.length > 0) throw new ConfigurationError(faults);
  return { values: values as Environment, addresses };
}

function judge<Value>(
  name: string,
  text: string | undefined,
  schema: z.ZodType<Value>,
  faults: string[],
  accept: (value: Value) => void,
): void {
  const parsed = schema.safeParse(text);
  if (parsed.success) accept(parsed.data);
  else faults.push(`${name} ${describeValue(name, text)}; it takes ${schema.description}`);
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
  readonly fault?: string;
}

/** A secret from its variable, or from the file that its other variable names, as Docker secrets are given. */
function readSecret(name: string, variables: Variables): Read {
  const [text, file] = [variables[name] || undefined, variables[`${name}_FILE`] || undefined];
  if (file === undefined) return { text };
  if (text !== undefined) return { fault: `${name} and ${name}_FILE are both set; one is enough` };
  try {
    return { text: readFileSync(file, 'utf8').trim() };
  } catch (error) {
    return { fault: `${name}_FILE names a file that cannot be read: ${(error as Error).message}` };
  }
}

function nestingFaults(values: Readonly<Record<string, unknown>>): string[] {
  return NESTED.filter(({ inner, outer }) => Number(values[inner]) >= Number(values[outer])).map(
    ({ inner, outer }) =>
      `${inner} (${String(values[inner])}) must be less than ${outer} (${String(values[outer])})`,
  );
}

function upstreamNameFor(variable: string): string {
  return variable.slice(0, -'_URL'.length).toLowerCase().replaceAll('_', '-');
}
