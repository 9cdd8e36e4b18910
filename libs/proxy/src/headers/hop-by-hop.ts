/** Fields that belong to one connection (RFC 9110, section 7.6.1) or that each side writes anew. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The lengths of the names that a loop over a message's fields must look at: a name of any other length needs not
 * even be lower-cased. @param more names beside the hop-by-hop ones
 */
export function lengthsOf(more: Iterable<string>): ReadonlySet<number> {
  return new Set([...HOP_BY_HOP, ...more].map((name) => name.length));
}

/** Whether a lower-case field name is bound to one connection. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name);
}

/**
 * The lower-case names that a `Connection` value nominates besides the usual ones, or undefined where there
 * are none, as in nearly every message.
 */
export function nominatedBy(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  const names = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !isHopByHop(name) && name !== 'close');
  return names.length === 0 ? undefined : new Set(names);
}
