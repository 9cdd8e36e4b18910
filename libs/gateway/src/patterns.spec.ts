import { readFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { check } from 'recheck';
import ts from 'typescript';
import { TLS } from './settings/upstream.settings.js';
import { UNAMBIGUOUS_PATH } from '../../proxy/src/routing/path-rules.js';

/** A regular expression of the sources. */
interface Pattern {
  readonly at: string;
  readonly source: string;
  readonly flags: string;
}

/** The regular expressions of one source file. */
interface Found {
  readonly literals: readonly Pattern[];
  /** Places that construct a pattern at run time, which this test cannot read from the source. */
  readonly computedAt: readonly string[];
}

/** All patterns outside the doctor that are constructed at run time, by file. */
const COMPUTED: ReadonlyMap<string, RegExp> = new Map([
  ['libs/gateway/src/settings/upstream.settings.ts', TLS.caFiles.pattern],
  ['libs/proxy/src/routing/path-rules.ts', UNAMBIGUOUS_PATH],
]);

/** Milliseconds to check one pattern. Those of the sources take a few. */
const TIMEOUT_MS = 30_000;

function sourceFiles(): string[] {
  const tracked = execFileSync('git', ['ls-files', 'apps', 'libs', 'scripts'], { encoding: 'utf8' });
  return tracked.split('\n').filter((file) => /\.(ts|mjs)$/.test(file) && !/\.spec\.ts$|\/test\//.test(file));
}

async function readPatterns(file: string): Promise<Found> {
  const tree = ts.createSourceFile(file, await readFile(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const literals: Pattern[] = [];
  const computedAt: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) literals.push(parseLiteral(file, tree, node));
    if (isRegExpCall(node)) computedAt.push(file);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { literals, computedAt };
}

/** Whether a node is `new RegExp(...)` or `RegExp(...)`. */
function isRegExpCall(node: ts.Node): boolean {
  return (
    (ts.isNewExpression(node) || ts.isCallExpression(node)) && /\bRegExp$/.test(node.expression.getText())
  );
}

function parseLiteral(file: string, tree: ts.SourceFile, node: ts.RegularExpressionLiteral): Pattern {
  const end = node.text.lastIndexOf('/');
  const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
  return { at: `${file}:${line + 1}`, source: node.text.slice(1, end), flags: node.text.slice(end + 1) };
}

/** Whether a pattern is the doctor's. It reads its user's own files, so a slow pattern harms that user only. */
function isOfDoctor(at: string): boolean {
  return at.startsWith('libs/doctor/');
}

describe('every regular expression of the sources', () => {
  it('takes time linear in its input', async () => {
    const found = await Promise.all(sourceFiles().map(readPatterns));
    const literals = found.flatMap((file) => file.literals);
    const computed = [...COMPUTED].map(([at, { source, flags }]) => ({ at, source, flags }));
    expect(literals.length).toBeGreaterThan(80);

    const suspects: string[] = [];
    for (const { at, source, flags } of [...literals, ...computed]) {
      const verdict = await check(source, flags, { timeout: TIMEOUT_MS });
      const isPolynomial = verdict.status === 'vulnerable' && verdict.complexity.type === 'polynomial';
      if (verdict.status === 'safe' || (isPolynomial && isOfDoctor(at))) continue;
      suspects.push(`${at} /${source}/${flags} is ${verdict.status}`);
    }

    expect(suspects).toEqual([]);
  }, 300_000);

  it('is a literal, or constructed in a file that this test lists', async () => {
    const found = await Promise.all(sourceFiles().map(readPatterns));

    const computedAt = found.flatMap((file) => file.computedAt).filter((at) => !isOfDoctor(at));

    expect(computedAt).toEqual([...COMPUTED.keys()]);
  });
});
