import { interpolate } from './compose-interpolation.js';
import { UnreadableError } from './unreadable.error.js';
import type { YamlNode } from './yaml.tree.js';

const VARIABLES = new Map([
  ['SET', 'value'],
  ['EMPTY', ''],
  ['OTHER', 'x'],
]);

function filled(text: string): string {
  const node: YamlNode = { kind: 'text', text, at: { file: 'a.yml', line: 3 } };
  return (interpolate(node, VARIABLES, 'image') as { text: string }).text;
}

describe('interpolate', () => {
  it.each([
    ['$SET/$SET', 'value/value'],
    ['a${SET}b', 'avalueb'],
    ['${MISSING}', ''],
    ['$$SET $${SET}', '$SET ${SET}'],
    ['${SET:-d} ${EMPTY:-d} ${MISSING:-d}', 'value d d'],
    ['${SET-d}|${EMPTY-d}|${MISSING-d}', 'value||d'],
    ['${SET:+a}|${EMPTY:+a}|${EMPTY+a}|${MISSING+a}', 'a||a|'],
    ['${MISSING:-${EMPTY:-${OTHER}}}', 'x'],
    ['${MISSING:-a:b}c', 'a:bc'],
    ['${SET:?needed}', 'value'],
    ['${MISSING:?needed}', ''],
    ['${constructor:-none}', 'none'],
  ])('fills in %s as compose does', (text, expected) => {
    expect(filled(text)).toBe(expected);
  });

  it.each([
    ['${SET', 'a.yml:3: image has a ${ without its }'],
    ['50 $ and more', 'a.yml:3: image has a $ that names no variable (write $$)'],
    ['${SET/x}', 'a.yml:3: image has an unknown form of ${SET}'],
    ['${:-x}', 'a.yml:3: image has a ${} without a name'],
  ])('refuses %s with its line and key, and without its text', (text, fault) => {
    expect(() => filled(text)).toThrow(
      new UnreadableError({ file: 'a.yml', line: 3 }, fault.slice('a.yml:3: '.length)),
    );
  });

  it('ends with a clear error however deep the defaults', () => {
    expect(() => filled('${A:-'.repeat(1_000) + '}'.repeat(1_000))).toThrow(
      'too many variables within each other',
    );
  });
});
