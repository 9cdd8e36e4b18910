// Runs the tests and counts which statements of the product ran, in the tests' own processes and in those that they start.
// Exits with 1 if a test fails or less than the floor ran. Arguments are Jest's.
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import ts from 'typescript';

const FLOOR_PERCENT = 85;
const RUNS = 'coverage/runs';

function run(args, env = {}) {
  return spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1;
}

/** Node hands the variable on to every child process, also to one with an environment of its own. */
function runTests() {
  const jest = ['--no-warnings', 'node_modules/jest/bin/jest.js', ...process.argv.slice(2)];
  return run(jest, { NODE_V8_COVERAGE: resolve(RUNS) });
}

/** What the processes ran of `apps`, `libs` and `dist`, by their source maps. */
function readRuns() {
  run([
    '--max-old-space-size=4096',
    'node_modules/c8/bin/c8.js',
    'report',
    `--temp-directory=${RUNS}`,
    '--reporter=json',
    '--reports-dir=coverage',
    '--exclude-after-remap',
    '--extension=.ts',
    '--extension=.js',
    '--include=apps/*/src/**',
    '--include=libs/*/src/**',
    '--include=dist/**',
  ]);
}

/** The lines that ran, by file. */
function ranLines(report) {
  const lines = new Map();
  for (const { path, statementMap, s: counts } of Object.values(JSON.parse(readFileSync(report, 'utf8')))) {
    const ran = lines.get(path) ?? new Set();
    for (const [key, { start }] of Object.entries(statementMap)) if (counts[key] > 0) ran.add(start.line);
    lines.set(path, ran);
  }
  return lines;
}

/** The lines on which executable statements begin, each line once, because V8's counts are mapped by line. */
function statementsOf(path) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const lineOf = (node) => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  const lines = new Set();
  const visit = (node) => {
    if (NEVER_RUN.has(node.kind)) return;
    if (runs(node)) lines.add(lineOf(node));
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return [...lines];
}

const NEVER_RUN = new Set([
  ts.SyntaxKind.InterfaceDeclaration,
  ts.SyntaxKind.TypeAliasDeclaration,
  ts.SyntaxKind.ImportDeclaration,
  ts.SyntaxKind.ExportDeclaration,
]);

function runs(node) {
  if (ts.isPropertyDeclaration(node)) return node.initializer !== undefined;
  if (ts.isArrowFunction(node.parent)) return node.parent.body === node && !ts.isBlock(node);
  return ts.isStatement(node) && !ts.isBlock(node);
}

/**
 * Prints each folder's share of statements that ran, and writes the lines that did not run to coverage/missed.txt.
 * @returns the share of all statements, in percent
 */
function printTable(ran) {
  const folders = new Map();
  const missedLines = [];
  for (const path of globSync('{apps,libs}/*/src/**/*.ts').toSorted()) {
    if (path.endsWith('.spec.ts')) continue;
    const lines = ran.get(`${process.cwd()}/${path}`) ?? new Set();
    const statements = statementsOf(path);
    const missed = statements.filter((line) => !lines.has(line));
    missedLines.push(...missed.map((line) => `${path}:${line}\n`));
    const folder = dirname(path);
    const sum = folders.get(folder) ?? { all: 0, missed: 0 };
    folders.set(folder, { all: sum.all + statements.length, missed: sum.missed + missed.length });
  }
  writeFileSync('coverage/missed.txt', missedLines.join(''));
  let [all, missed] = [0, 0];
  for (const [folder, sum] of folders) {
    all += sum.all;
    missed += sum.missed;
    console.log(`${percent(sum).toFixed(1).padStart(6)} %  ${folder}`);
  }
  return percent({ all, missed });
}

const percent = ({ all, missed }) => (all === 0 ? 100 : ((all - missed) / all) * 100);

rmSync('coverage', { recursive: true, force: true });
mkdirSync(RUNS, { recursive: true });
const status = runTests();
readRuns();
const total = printTable(ranLines('coverage/coverage-final.json'));
console.log(
  `${total.toFixed(1)} % of the statements ran; the floor is ${FLOOR_PERCENT} %. Lines that did not: coverage/missed.txt`,
);
process.exitCode = status !== 0 || total < FLOOR_PERCENT ? 1 : 0;
