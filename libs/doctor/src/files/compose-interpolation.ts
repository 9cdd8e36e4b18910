import type { SourceLocation } from './sourced.js';
import { UnreadableError } from './unreadable.error.js';
import type { YamlNode } from './yaml.tree.js';

export type Variables = ReadonlyMap<string, string>;

/** The most defaults inside each other. */
const DEEPEST = 16;

/** The place of a text for errors, which never show the text: it may be a secret. */
interface Spot {
  readonly at: SourceLocation;
  readonly key: string;
}

/**
 * Fills in a tree as compose does: `$NAME`, `${NAME}`, the forms with `:-`, `-`, `:+`, `+`, `:?` and `?`, and `$$` for
 * a dollar sign. A variable that is demanded with `?` and is not set counts as empty, and is no error.
 *
 * @throws UnreadableError at a `$` that compose would refuse
 */
export function interpolate(node: YamlNode, variables: Variables, key = 'a text'): YamlNode {
  if (node.kind === 'text') {
    return { ...node, text: fill(node.text, variables, { at: node.at, key }, 0), written: node.text };
  }
  if (node.kind === 'list') {
    return { ...node, items: node.items.map((item) => interpolate(item, variables, key)) };
  }
  const entries = new Map(
    [...node.entries].map(([name, value]) => [name, interpolate(value, variables, name)]),
  );
  return { ...node, entries };
}

function fill(text: string, variables: Variables, spot: Spot, depth: number): string {
  if (depth > DEEPEST) throw refuse(spot, 'has too many variables within each other');
  let filled = '';
  for (let index = 0; index < text.length;) {
    if (text[index] !== '$') {
      filled += text[index++];
      continue;
    }
    const next = text[++index];
    if (next === '$') {
      filled += next;
      index += 1;
    } else if (next === '{') {
      const end = closingBrace(text, index, spot);
      filled += expand(text.slice(index + 1, end), variables, spot, depth);
      index = end + 1;
    } else {
      const name = nameIn(text.slice(index));
      if (name === '') throw refuse(spot, 'has a $ that names no variable (write $$)');
      filled += variables.get(name) ?? '';
      index += name.length;
    }
  }
  return filled;
}

/** The index of the brace that closes the one at `from`. */
function closingBrace(text: string, from: number, spot: Spot): number {
  let open = 0;
  for (let index = from; index < text.length; index++) {
    if (text[index] === '{') open += 1;
    if (text[index] === '}' && --open === 0) return index;
  }
  throw refuse(spot, 'has a ${ without its }');
}

function expand(inside: string, variables: Variables, spot: Spot, depth: number): string {
  const name = nameIn(inside);
  const value = variables.get(name);
  const form = inside.slice(name.length);
  if (name === '') throw refuse(spot, 'has a ${} without a name');
  if (form === '') return value ?? '';
  const countsEmpty = form.startsWith(':');
  const operator = form[countsEmpty ? 1 : 0];
  const word = form.slice(countsEmpty ? 2 : 1);
  const isSet = value !== undefined && !(countsEmpty && value === '');
  if (operator === '-') return isSet ? value : fill(word, variables, spot, depth + 1);
  if (operator === '+') return isSet ? fill(word, variables, spot, depth + 1) : '';
  if (operator === '?') return value ?? '';
  throw refuse(spot, `has an unknown form of \${${name}}`);
}

const refuse = ({ at, key }: Spot, reason: string): UnreadableError =>
  new UnreadableError(at, `${key} ${reason}`);

const nameIn = (text: string): string => /^[A-Za-z_]\w*/.exec(text)?.[0] ?? '';
