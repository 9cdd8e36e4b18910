// Plants faults into the product, one at a time, and looks whether the simulator names each within its time:
// `npm run sim:mutants`, `-- --only "drains without a deadline"`, `-- --some 3 --day 17`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants.mjs';

/** Real time in which a fault must be found. */
const SECONDS = 120;

const RUN = fileURLToPath(new URL('../run.mjs', import.meta.url));

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    some: { type: 'string' },
    day: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});

function chosen() {
  const names = Object.keys(MUTANTS);
  if (values.only !== undefined) return names.filter((name) => name === values.only);
  if (values.some === undefined) return names;
  // Another few each day of the month, so that all have their turn.
  const count = Number(values.some);
  const first = ((Number(values.day ?? new Date().getDate()) - 1) * count) % names.length;
  return Array.from({ length: count }, (_, index) => names[(first + index) % names.length]);
}

let missed = 0;
const names = chosen();
if (names.length === 0) throw new Error('no mutant has this name');
for (const name of names) {
  const begunAt = Date.now();
  const { scenario, guarantees } = MUTANTS[name];
  const parameters = [
    RUN,
    '--mutant',
    name,
    '--scenario',
    scenario,
    '--seed',
    values.seed,
    '--minutes',
    String(SECONDS / 60),
    '--no-story',
  ];
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  await once(child, 'close');
  const found = [...output.matchAll(/^ {2}(G\d+) at .*$/gm)];
  const isNamed = found.some(([, guarantee]) => guarantees.includes(guarantee));
  const seconds = ((Date.now() - begunAt) / 1000).toFixed(0);
  console.log(
    `${isNamed ? 'found ' : 'MISSED'} ${name}: ${found[0]?.[0].trim() ?? 'nothing'} (${scenario}, ${seconds} s)`,
  );
  if (!isNamed) missed++;
}
console.log(`${names.length - missed} passed, ${missed} failed`);
process.exit(missed > 0 ? 1 : 0);
