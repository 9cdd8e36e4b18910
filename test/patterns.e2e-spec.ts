import { readFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { check } from 'recheck';
import ts from 'typescript';

/** A regular expression of the sources. */
interface Pattern {
  readonly at: string;
  readonly source: string;
  readonly flags: string;
}

/** Milliseconds for each; those of the sources take a few. */
const TIMEOUT_MS = 30_000;

function sourceFiles(): string[] {
  const tracked = execFileSync('git', ['ls-files', 'apps', 'libs', 'scripts'], { encoding: 'utf8' });
  return tracked.split('\n').filter((file) => /\.(ts|mjs)$/.test(file) && !/\.spec\.ts$|\/test\//.test(file));
}

async function patternsOf(file: string): Promise<Pattern[]> {
  const tree = ts.createSourceFile(file, await readFile(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const patterns: Pattern[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) patterns.push(parseLiteral(file, tree, node));
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return patterns;
}

function parseLiteral(file: string, tree: ts.SourceFile, node: ts.RegularExpressionLiteral): Pattern {
  const end = node.text.lastIndexOf('/');
  const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
  return { at: `${file}:${line + 1}`, source: node.text.slice(1, end), flags: node.text.slice(end + 1) };
}

/** Patterns that are put together by code, which a reader of the sources cannot see whole. */
async function compiledPatterns(): Promise<Pattern[]> {
  const compiled: Pattern[] = [];
  const Original = globalThis.RegExp;
  globalThis.RegExp = class extends Original {
    constructor(source: string | RegExp, flags?: string) {
      super(source, flags);
      compiled.push({ at: 'new RegExp', source: this.source, flags: this.flags });
    }
  } as RegExpConstructor;
  try {
    await import('../libs/proxy/src/routing/path-rules.js');
  } finally {
    globalThis.RegExp = Original;
  }
  return compiled;
}

/** The doctor reads the files of its user, whom a slow pattern harms alone: polynomial time is enough for it. */
function isOfDoctor(at: string): boolean {
  return at.startsWith('apps/doctor/');
}

describe('every regular expression of the sources', () => {
  it('takes time linear in its input', async () => {
    const literals = (await Promise.all(sourceFiles().map(patternsOf))).flat();
    const compiled = await compiledPatterns();
    expect(literals.length).toBeGreaterThan(80);
    expect(compiled.length).toBeGreaterThan(0);

    const suspects: string[] = [];
    for (const { at, source, flags } of [...literals, ...compiled]) {
      const found = await check(source, flags, { timeout: TIMEOUT_MS });
      const isPolynomial = found.status === 'vulnerable' && found.complexity.type === 'polynomial';
      if (found.status === 'safe' || (isPolynomial && isOfDoctor(at))) continue;
      suspects.push(`${at} /${source}/${flags} is ${found.status}`);
    }

    expect(suspects).toEqual([]);
  }, 300_000);
});
