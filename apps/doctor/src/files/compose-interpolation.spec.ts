import { interpolate } from './compose-interpolation.js';
import type { YamlNode } from './yaml.tree.js';

const VARIABLES = { SET: 'value', EMPTY: '', OTHER: 'x' };

function filled(text: string): string {
  const node: YamlNode = { kind: 'text', text, at: { file: 'a.yml', line: 3 } };
  return (interpolate(node, VARIABLES) as { text: string }).text;
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
  ])('fills in %s as compose does', (text, expected) => {
    expect(filled(text)).toBe(expected);
  });

  it.each([
    ['${SET', 'a.yml:3: has a ${ without its }'],
    ['50 $ and more', 'a.yml:3: has a $ that names no variable'],
    ['${SET/x}', 'a.yml:3: has an unknown form'],
    ['${:-x}', 'a.yml:3: has no name in'],
  ])('refuses %s with its line', (text, fault) => {
    expect(() => filled(text)).toThrow(fault);
  });

  it('ends with a clear error however deep the defaults', () => {
    expect(() => filled('${A:-'.repeat(1_000) + '}'.repeat(1_000))).toThrow(
      'too many variables within each other',
    );
  });
});
