import { canonicalName } from '../transport/field-names.js';
import { isHopByHop } from './hop-by-hop.js';
import { FORWARDING, FRAMING, IDENTITY, ORDINARY, WRITTEN } from './trusted-names.js';

/** Why a field of this name may not pass unchecked. */
export type NameKind = 'identity' | 'forwarding' | 'written' | 'framing';

const KINDS: ReadonlyMap<string, NameKind> = new Map([
  ...IDENTITY.map((name) => [name, 'identity'] as const),
  ...FORWARDING.map((name) => [name, 'forwarding'] as const),
  ...WRITTEN.map((name) => [name, 'written'] as const),
  ...FRAMING.map((name) => [name, 'framing'] as const),
]);

/** The kind of a name in its canonical form; undefined for most names. */
export function kindOf(canonical: string): NameKind | undefined {
  const kind = KINDS.get(canonical);
  if (kind !== undefined) return kind;
  if (ORDINARY.has(canonical)) return undefined;
  // From 2, since `x-` alone is no family. Up to LONGEST, since a name may be as long as all headers together.
  for (
    let end = canonical.indexOf('-', 2);
    end !== -1 && end <= LONGEST;
    end = canonical.indexOf('-', end + 1)
  ) {
    if (FAMILIES.has(canonical.slice(0, end))) return 'identity';
  }
  return undefined;
}

/** The starts of names that end in `-*`. */
const FAMILIES: ReadonlySet<string> = new Set(
  IDENTITY.filter((name) => name.endsWith('-*')).map((name) => name.slice(0, -2)),
);

const LONGEST = Math.max(...[...FAMILIES].map(({ length }) => length));

/**
 * A quick test for special names by their first two letters and their length: false only for names that are not special,
 * which need not be lower-cased or looked up.
 */
export function selectorOf(names: Iterable<string>): (name: string) => boolean {
  const lengths = new Uint32Array(32 * 32);
  for (const name of names) {
    const first = (name.charCodeAt(0) & 31) << 5;
    const bits = name.endsWith('*') ? -1 << (name.length - 1) : 1 << Math.min(name.length, 31);
    // Any mark may stand for `-`.
    const seconds = name[1] === '-' ? lengths.subarray(first, first + 32).keys() : [name.charCodeAt(1) & 31];
    for (const second of seconds) lengths[first | second]! |= bits;
  }
  return (name) => {
    const letters = ((name.charCodeAt(0) & 31) << 5) | (name.charCodeAt(1) & 31);
    return ((lengths[letters]! >>> Math.min(name.length, 31)) & 1) === 1;
  };
}

/** All names with a kind; `-*` stands for any end. */
export const KNOWN_NAMES: readonly string[] = [...KINDS.keys()];

/** Why an upstream cannot accept a header from every client, in words that follow its name; undefined if it can. */
export function acceptanceFault(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (!/^[a-z0-9_.-]+$/.test(lower)) return 'is no header name';
  if (isHopByHop(lower) || lower === 'host') return 'belongs to one connection';
  switch (kindOf(canonicalName(lower))) {
    case 'identity':
      return undefined;
    case 'forwarding':
      return 'is believed from trusted proxies alone';
    case 'written':
      return 'is written by the gateway';
    case 'framing':
      return 'frames the message';
    default:
      return 'is not dropped';
  }
}
