import { glob, readFile } from 'node:fs/promises';
import ts from 'typescript';

/**
 * Words that no reader of another gateway's code would guess, as parts of names (`startSlowly`, `readPatienceMs`) and of messages.
 * docs/vocabulary.md has the word to use.
 */
const WORDS = [
  'admit',
  'asker',
  'calm',
  'contender',
  'contrary',
  'era',
  'give back',
  'judge',
  'keep thrown',
  'less busy',
  'pass by',
  'passed by',
  'patience',
  'refusal of',
  'rejoin',
  'start slowly',
  'take together',
  'whoever',
];

/** The product, and the bench, which people read to judge the product. */
const SOURCES = ['{libs,apps}/**/*.ts', 'test/bench/**/*.mjs'];

const WORD = new RegExp(`\\b(?:${WORDS.join('|')})\\b`, 'i');

/** A name as words: `lessBusy`, `#lessBusy` and `LESS_BUSY` are `less busy`. */
const wordsOf = (name: string): string => name.replaceAll(/([a-z\d])([A-Z])/g, '$1 $2').replaceAll('_', ' ');

/** The name that a node declares, if it declares one. */
function declaredName(node: ts.Node): ts.Node | undefined {
  const isDeclaration =
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isMethodSignature(node) ||
    ts.isAccessor(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node) ||
    ts.isPropertyAssignment(node) ||
    ts.isParameter(node) ||
    ts.isVariableDeclaration(node);
  return isDeclaration ? node.name : undefined;
}

/** Whether a call logs, or a constructor makes what is thrown. */
function says(node: ts.Node): node is ts.CallExpression | ts.NewExpression {
  if (ts.isNewExpression(node)) return /(?:Exception|Error)$/.test(node.expression.getText());
  return (
    ts.isCallExpression(node) && /\.(?:log|debug|info|warn|error|fatal)$/.test(node.expression.getText())
  );
}

/** The texts of literals in an expression. */
function textsIn(node: ts.Node): ts.Node[] {
  if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) return [node];
  const found: ts.Node[] = [];
  ts.forEachChild(node, (child) => void found.push(...textsIn(child)));
  return found;
}

/** Every name and message with such a word, with its place. */
function offences(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const check = (node: ts.Node, words: string): void => {
    const word = WORD.exec(words)?.[0];
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    if (word !== undefined) found.push(`${path}:${line + 1}: ${node.getText()} says '${word.toLowerCase()}'`);
  };
  const visit = (node: ts.Node): void => {
    const name = declaredName(node);
    if (name !== undefined && ts.isMemberName(name)) check(name, wordsOf(name.text));
    if (says(node))
      for (const literal of (node.arguments ?? []).flatMap(textsIn)) check(literal, literal.getText());
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe('names and messages', () => {
  it.each(SOURCES)('have no word that only this project knows: %s', async (pattern) => {
    const paths: string[] = [];
    const found: string[] = [];
    for await (const path of glob(pattern, { exclude: ['**/node_modules'] })) {
      if (path.endsWith('.spec.ts')) continue;
      paths.push(path);
      found.push(...offences(path, await readFile(path, 'utf8')));
    }

    expect(found).toEqual([]);
    expect(paths).not.toEqual([]);
  });

  it.each([
    ['function refusalOf() {}', 'refusal of'],
    ['class Balancer { lessBusy(): void {} }', 'less busy'],
    ['interface Options { readonly patience: number }', 'patience'],
    ['const LESS_BUSY = 1;', 'less busy'],
    ['class Server { #admit(): void {} }', 'admit'],
    ["logger.warn('told to whoever asks');", 'whoever'],
    ['throw new UpstreamException(`${name} did not rejoin`);', 'rejoin'],
  ])('are seen: %s', (text, word) => {
    expect(offences('a.ts', text)).toEqual([expect.stringMatching(`^a\\.ts:1: .* says '${word}'$`)]);
  });

  it('may be used by what others declare', () => {
    expect(offences('a.ts', 'const passed = balancer.lessBusy(patience);')).toEqual([]);
  });
});
