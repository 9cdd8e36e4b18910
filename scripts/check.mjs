// Runs all checks that decide whether a change lands, one after the other until one fails. Prints the duration of each
// step, and in the last line how many tests of all runners passed and failed. A step that fails without a failed test
// counts as one failed test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const STEPS = {
  format: 'npm run --silent format:check',
  lint: 'npm run --silent lint',
  types: 'npm run --silent typecheck',
  tests: 'npm test --silent',
  parts: 'npm run --silent test:parts',
  simulation: 'npm run --silent sim -- --seed 1 --plays 4',
  mutants: 'npm run --silent sim:mutants -- --some 3',
  models: 'npm run --silent sim:models',
  fuzz: 'npm run --silent fuzz -- --seed 1 --batches 8',
  parser: 'npm run --silent fuzz:parser -- --count 1000000',
  doctor: 'npm run --silent doctor',
};

const times = [];
const total = { passed: 0, failed: 0 };

/** Runs a step, and adds the numbers of passed and failed tests that it prints. @returns whether the step passed */
async function run(name, command) {
  console.log(`\n--- ${name}: ${command}`);
  const start = performance.now();
  const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  let tail = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text);
    tail = (tail + text).slice(-10_000);
  });
  const [code] = await once(child, 'close');
  times.push(`${((performance.now() - start) / 1000).toFixed(1).padStart(9)} s  ${name}`);
  const [, passed, failed] = [...tail.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1) ?? [];
  total.passed += Number(passed ?? 0);
  total.failed += code === 0 ? Number(failed ?? 0) : Math.max(1, Number(failed ?? 0));
  return code === 0;
}

for (const [name, command] of Object.entries(STEPS)) if (!(await run(name, command))) break;
console.log(`\nSteps:\n${times.join('\n')}\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;
