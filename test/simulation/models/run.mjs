// Explores every state of the models: `node test/simulation/models/run.mjs`. Prints how many states each model has, the path of
// each violation, and as the last line how many models passed and failed. Exits with 1 if one failed.
import { explore } from './explore.mjs';
import { MODELS } from './models.mjs';

let failed = 0;
for (const { create } of MODELS) {
  const { name, states, transitions, violations, unreached } = explore(create());
  console.log(`${name}: ${states} states, ${transitions} transitions`);
  for (const { guarantee, invariant, path } of violations)
    console.log(`  ${guarantee} violated: ${invariant}\n    ${path.join('\n    ')}`);
  for (const missing of unreached) console.log(`  not reached: ${missing}`);
  if (violations.length + unreached.length > 0) failed++;
}
console.log(`${MODELS.length - failed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
