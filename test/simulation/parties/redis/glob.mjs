/**
 * A test for a pattern of Redis: `*`, `?`, `[a-c]`, `[^a]`, and `\` before a character that stands for itself.
 * @param {string} pattern
 * @returns {(text: string) => boolean}
 */
export function createMatcher(pattern) {
  const source = pattern.replaceAll(/\\(.)|\[(\^?)((?:\\.|[^\]\\])*)\]?|\*+|\?|[^]/gs, toSource);
  const expression = new RegExp(`^${source}$`, 's');
  return (text) => expression.test(text);
}

function toSource(token, escaped, negation, characters) {
  if (token.startsWith('*')) return '.*';
  if (token === '?') return '.';
  if (characters === undefined) return quote(escaped ?? token);
  if (characters === '') return negation ? '.' : '(?!)';
  const ranges = characters.replaceAll(/\\(.)|(.)-(.)|./gs, (part, plain, first, last) =>
    first === undefined ? quote(plain ?? part) : toRange(first, last),
  );
  return `[${negation}${ranges}]`;
}

const toRange = (first, last) =>
  first <= last ? `${quote(first)}-${quote(last)}` : `${quote(last)}-${quote(first)}`;

const quote = (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
