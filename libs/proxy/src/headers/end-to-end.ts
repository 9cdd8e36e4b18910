import { canonicalName } from '../transport/field-names.js';
import { nominatedBy } from './hop-by-hop.js';
import { kindOf } from './name-kinds.js';

/**
 * Fields for the service itself: those of RFC 9110 and 9111, and others on which services decide. Names that services trust
 * are in `trusted-names.ts`.
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

/** Prefixes of names of other end-to-end fields. */
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

/** Whether a field is known to be for the service. @param lower the name in lower case; any mark counts as `-` */
export function isEndToEnd(lower: string): boolean {
  const name = canonicalName(lower);
  if (END_TO_END.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))) return true;
  const kind = kindOf(name);
  return kind !== undefined && kind !== 'written';
}

/**
 * The first end-to-end field that a request's `Connection` nominates, in lower case; undefined if there is none. A client
 * must not nominate one (RFC 9110, section 7.6.1): the gateway would decide on a field that the service never gets.
 */
export function nominatedEndToEnd(connection: string | undefined): string | undefined {
  const nominated = nominatedBy(connection);
  if (nominated) for (const name of nominated) if (isEndToEnd(name)) return name;
  return undefined;
}
