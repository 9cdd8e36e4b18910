// Explores every state of the models: `node test/simulation/models/run.mjs`. Prints how many states each has, and fails with the
// path of each violation.
import { explore } from './explore.mjs';
import { MODELS } from './models.mjs';

for (const { create } of MODELS) {
  const { name, states, transitions, violations, unreached } = explore(create());
  console.log(`${name}: ${states} states, ${transitions} transitions`);
  for (const { guarantee, invariant, path } of violations)
    console.log(`  ${guarantee} violated: ${invariant}\n    ${path.join('\n    ')}`);
  for (const missing of unreached) console.log(`  not reached: ${missing}`);
  if (violations.length + unreached.length > 0) process.exitCode = 1;
}
