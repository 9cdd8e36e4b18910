import type { NginxBlock } from './nginx-block.js';

/** The paths that a location handles. */
export interface LocationMatch {
  /** `=`, `^~`, `~`, `~*`, `@`, or empty for a prefix. */
  readonly modifier: string;
  readonly target: string;
  /** Undefined for a prefix, and for a regular expression that JavaScript cannot read. */
  readonly matches: RegExp | undefined;
}

interface Found {
  readonly block: NginxBlock;
  /** Whether an exact location or a regular expression matched, so that nginx tries no outer regular expression. */
  readonly isFinal: boolean;
}

/**
 * The location in which nginx handles a path, by the rules of its `ngx_http_core_find_location()`: an exact one; else
 * an exact one or a regular expression inside the longest prefix; else the first regular expression that matches,
 * unless that prefix has `^~`; else the longest prefix. The block itself if none matches.
 */
export function locationFor(block: NginxBlock, path: string): NginxBlock {
  return find(block, path)?.block ?? block;
}

function find(block: NginxBlock, path: string): Found | undefined {
  const locations = block.children
    .filter(({ name }) => name === 'location')
    .map((location) => ({ location, ...readLocation(location) }));
  const exact = locations.find(({ modifier, target }) => modifier === '=' && target === path);
  if (exact) return { block: exact.location, isFinal: true };
  const prefix = locations
    .filter(({ modifier, target }) => (modifier === '' || modifier === '^~') && path.startsWith(target))
    .toSorted((a, b) => b.target.length - a.target.length)[0];
  const inside = prefix && find(prefix.location, path);
  if (inside?.isFinal) return inside;
  const regex = prefix?.modifier === '^~' ? undefined : locations.find(({ matches }) => matches?.test(path));
  if (regex) return { block: locationFor(regex.location, path), isFinal: true };
  return inside ?? (prefix && { block: prefix.location, isFinal: false });
}

export function readLocation({ directive }: NginxBlock): LocationMatch {
  const [first = '', second] = directive.args;
  // nginx also accepts the modifier without a blank behind it.
  const [, modifier = '', target = ''] = /^(=|\^~|~\*|~|@)?(.*)$/s.exec(
    second === undefined ? first : first + second,
  )!;
  const isRegex = modifier === '~' || modifier === '~*';
  return {
    modifier,
    target,
    matches: isRegex ? toRegExp(target, modifier === '~*' ? 'i' : '') : undefined,
  };
}

/** Syntax that JavaScript accepts with another meaning than PCRE. */
const OTHER_THAN_PCRE = /\\[AzZhHRKQEG]|\[\[:/;

/** The same expression in JavaScript; undefined if its syntax differs from PCRE. */
function toRegExp(pattern: string, flags: string): RegExp | undefined {
  if (OTHER_THAN_PCRE.test(pattern)) return undefined;
  const ignoresCase = pattern.startsWith('(?i)');
  const source = (ignoresCase ? pattern.slice('(?i)'.length) : pattern).replaceAll('(?P<', '(?<');
  try {
    return new RegExp(source, ignoresCase ? 'i' : flags);
  } catch {
    return undefined;
  }
}
