// Runs the tests and counts the statements of the product that ran, in the tests' own process and in child processes.
// Exits with 1 if a test fails or fewer statements than FLOOR_PERCENT ran. Passes its arguments to Jest.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import ts from 'typescript';

const FLOOR_PERCENT = 85;
const CHILDREN = 'coverage/children';

function run(file, ...args) {
  return spawnSync(process.execPath, [...file, ...args], { stdio: 'inherit' }).status ?? 1;
}

function runTests() {
  return run(
    ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'],
    '--testEnvironment=<rootDir>/scripts/coverage-environment.mjs',
    '--coverage',
    '--coverageProvider=v8',
    '--coverageReporters=json',
    '--coverageDirectory=coverage/tests',
    ...process.argv.slice(2),
  );
}

/** Writes a report of the coverage of child processes, mapped from `dist` to the sources by source maps. */
function readChildren() {
  run(
    ['--max-old-space-size=4096', 'node_modules/c8/bin/c8.js', 'report'],
    `--temp-directory=${CHILDREN}`,
    '--reporter=json',
    '--reports-dir=coverage/processes',
    '--exclude-after-remap',
    '--extension=.ts',
    '--extension=.js',
    '--include=apps/*/src/**',
    '--include=libs/*/src/**',
    '--include=dist/**',
  );
}

/** The numbers of the lines that ran, by file. */
function ranLines(...reports) {
  const lines = new Map();
  for (const report of reports.filter((path) => existsSync(path))) {
    for (const { path, statementMap, s: counts } of Object.values(JSON.parse(readFileSync(report, 'utf8')))) {
      const ran = lines.get(path) ?? new Set();
      for (const [key, { start }] of Object.entries(statementMap)) if (counts[key] > 0) ran.add(start.line);
      lines.set(path, ran);
    }
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
mkdirSync(CHILDREN, { recursive: true });
const status = runTests();
readChildren();
const total = printTable(
  ranLines('coverage/tests/coverage-final.json', 'coverage/processes/coverage-final.json'),
);
console.log(
  `${total.toFixed(1)} % of the statements ran; the floor is ${FLOOR_PERCENT} %. Lines that did not: coverage/missed.txt`,
);
process.exitCode = status !== 0 || total < FLOOR_PERCENT ? 1 : 0;
