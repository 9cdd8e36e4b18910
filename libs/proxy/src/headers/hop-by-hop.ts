import { HOP_BY_HOP } from '../transport/field-names.js';

/**
 * The lengths of special names: a field whose name has another length passes without a look-up, and without lower-casing.
 * @param more special names beside the hop-by-hop ones
 */
export function lengthsOf(more: Iterable<string>): ReadonlySet<number> {
  return new Set([...HOP_BY_HOP, ...more].map((name) => name.length));
}

/** Whether a field is hop-by-hop. @param name in lower case */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name);
}

/**
 * The names that a `Connection` value nominates besides the hop-by-hop ones, in lower case; undefined if there are none, as
 * in nearly every message.
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
