import { nominatedBy } from './hop-by-hop.js';

/** Fields for the service itself, and not for the next hop: of RFC 9110 and 9111, and what services decide by. */
const END_TO_END = new Set([
  'authorization',
  'baggage',
  'cache-control',
  'cookie',
  'cookie2',
  'date',
  'dnt',
  'expect',
  'forwarded',
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
  'remote-user',
  'save-data',
  'true-client-ip',
  'upgrade-insecure-requests',
  'user-agent',
  'via',
  'x-correlation-id',
  'x-csrf-token',
  'x-http-method-override',
  'x-original-url',
  'x-real-ip',
  'x-request-id',
  'x-requested-with',
  'x-rewrite-url',
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
  'x-user-',
  'x-webauth-',
];

/** Whether a field of this lower-case name is known to be meant for the service; `_` counts as `-`. */
export function isEndToEnd(lower: string): boolean {
  const name = lower.replaceAll('_', '-');
  return END_TO_END.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix));
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
