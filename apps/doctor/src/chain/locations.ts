import type { NginxBlock } from './nginx-block.js';

/**
 * The location in which nginx handles a path, by its own rules: an exact one; else the first regular expression that
 * matches, unless the longest prefix says `^~`; else the longest prefix. The block itself where none matches.
 */
export function locationFor(block: NginxBlock, path: string): NginxBlock {
  return find(block, path) ?? block;
}

function find(block: NginxBlock, path: string): NginxBlock | undefined {
  const locations = block.children.filter(({ name }) => name === 'location').map(readLocation);
  const exact = locations.find(({ modifier, target }) => modifier === '=' && target === path);
  if (exact) return exact.block;
  const prefix = locations
    .filter(({ modifier, target }) => (modifier === '' || modifier === '^~') && path.startsWith(target))
    .toSorted((a, b) => b.target.length - a.target.length)[0];
  const inside = prefix && find(prefix.block, path);
  // What matches inside is a longer prefix, or a regular expression, which nginx would also have tried first.
  if (prefix?.modifier === '^~') return inside ?? prefix.block;
  const regex = locations.find(({ matches }) => matches?.test(path));
  if (regex) return find(regex.block, path) ?? regex.block;
  return inside ?? prefix?.block;
}

interface Location {
  readonly block: NginxBlock;
  /** `=`, `^~`, `~`, `~*`, `@`, or empty for a prefix. */
  readonly modifier: string;
  readonly target: string;
  readonly matches: RegExp | undefined;
}

function readLocation(block: NginxBlock): Location {
  const [first = '', second] = block.directive.args;
  // nginx takes the modifier without a blank behind it too.
  const [, modifier, target] = /^(=|\^~|~\*|~|@)?(.*)$/s.exec(second === undefined ? first : first + second)!;
  return {
    block,
    modifier: modifier ?? '',
    target: target!,
    matches:
      modifier === '~' ? toRegExp(target!, '') : modifier === '~*' ? toRegExp(target!, 'i') : undefined,
  };
}

/** PCRE and JavaScript agree on what paths are matched with; what JavaScript does not know matches nothing here. */
function toRegExp(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
}
