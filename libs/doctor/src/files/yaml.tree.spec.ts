import { itemsAt, nodeAt, parseYaml, textAt } from './yaml.tree.js';

describe('parseYaml', () => {
  it('gives the line of each key, through anchors and merges, and lets own keys win', () => {
    const tree = parseYaml(
      'x: &x\n  a: 1\n  b: 2\ny: &y { b: 3, c: 4 }\nz:\n  <<: [*x, *y]\n  a: own\nw: *x\n',
      'a.yml',
    );

    expect(textAt(tree, 'z', 'a')).toEqual({ value: 'own', text: 'a: own', at: { file: 'a.yml', line: 7 } });
    expect(textAt(tree, 'z', 'b')).toEqual({ value: '2', text: 'b: 2', at: { file: 'a.yml', line: 3 } });
    expect(textAt(tree, 'z', 'c')?.at.line).toBe(4);
    expect(textAt(tree, 'w', 'b')?.at.line).toBe(3);
  });

  it('keeps values as they are written', () => {
    const tree = parseYaml('a: 010\nb: 1e3\nc: yes\nd: ~\ne: "x\\ty"\nf: |\n  two\n  lines\n', 'a.yml');

    const texts = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => textAt(tree, key)?.value);
    expect(texts).toEqual(['010', '1e3', 'yes', '', 'x\ty', 'two\nlines\n']);
    expect(nodeAt(tree, 'g')).toBeUndefined();
  });

  it.each([
    ['a: 1\nb: [1, 2\nc: 3\n', 'a.yml:3'],
    ['a: 1\na: 2\n', 'a.yml:2: Map keys must be unique'],
    ['a:\n\tb: 1\n', 'a.yml:2'],
    ['a: *gone\n', 'a.yml:1'],
    ['a:\n  <<: 3\n', 'a.yml:2: merges what is no mapping'],
    ['a: &a [*a]\n', 'a.yml:1'],
  ])('refuses %j with its line', (text, fault) => {
    expect(() => parseYaml(text, 'a.yml')).toThrow(fault);
  });

  it('takes an alias for the last anchor of its name before it, at no cost for each', () => {
    const tree = parseYaml(`a: &x one\nb: *x\nc: &x two\nd: [${'*x, '.repeat(20_000)}*x]\n`, 'a.yml');

    expect([
      textAt(tree, 'b')?.value,
      new Set(itemsAt(tree, 'd').map((item) => item.kind === 'text' && item.text)),
    ]).toEqual(['one', new Set(['two'])]);
  });

  it('ends with a clear error at nesting and at aliases that grow', () => {
    const bomb = Array.from({ length: 12 }, (_, index) => {
      const last = index === 0 ? 'x' : `*a${index - 1}`;
      return `a${index}: &a${index} [${Array(10).fill(last).join(', ')}]`;
    });

    expect(() => parseYaml('['.repeat(50_000), 'a.yml')).toThrow('a.yml');
    expect(() => parseYaml('['.repeat(500) + ']'.repeat(500), 'a.yml')).toThrow('nests too deeply');
    expect(() => parseYaml(bomb.join('\n'), 'a.yml')).toThrow('too large with its aliases written out');
  });
});
