import { nominatedBy } from './hop-by-hop.js';
import { canonicalName, kindOf } from './name-kinds.js';

/**
 * Fields for the service itself, and not for the next hop: of RFC 9110 and 9111, and what services decide by; the names
 * that services trust are a table of their own.
 */
const END_TO_END = new Set([
  'authorization',
  'baggage',
  'cache-control',
  'cookie',
  'cookie2',
  'date',
  'dnt',
  'expect',
  'from',
  'host',
  'idempotency-key',
  'last-event-id',
  'max-forwards',
  'origin',
  'pragma',
  'prefer',
  'priority',
  'range',
  'referer',
  'save-data',
  'upgrade-insecure-requests',
  'user-agent',
  'via',
  'x-correlation-id',
  'x-csrf-token',
  'x-request-id',
  'x-requested-with',
  'x-xsrf-token',
]);

/** What begins so is end-to-end too. */
const PREFIXES = [
  'accept',
  'access-control-',
  'cf-',
  'content-',
  'if-',
  'sec-',
  'trace',
  'x-amz-',
  'x-api-',
  'x-auth-',
  'x-b3-',
  'x-client-',
  'x-forwarded',
  'x-goog-',
];

/** Whether a field of this lower-case name is known to be meant for the service; any mark counts as `-`. */
export function isEndToEnd(lower: string): boolean {
  const name = canonicalName(lower);
  if (END_TO_END.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))) return true;
  const kind = kindOf(name);
  return kind !== undefined && kind !== 'written';
}

/**
 * The first end-to-end field that a request's `Connection` nominates, in lower case; undefined if it nominates none. A
 * sender must not nominate one (RFC 9110, section 7.6.1): the gateway would decide by a field that the service never gets.
 */
export function nominatedEndToEnd(connection: string | undefined): string | undefined {
  const nominated = nominatedBy(connection);
  if (nominated) for (const name of nominated) if (isEndToEnd(name)) return name;
  return undefined;
}
