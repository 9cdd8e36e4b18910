import { globSync, readFileSync } from 'node:fs';
import config from './jest.config.js';

// Read by `describeWith`, which skips what needs a build, a browser, nginx, a Redis server, other programs, or load.
process.env.QUICK_TESTS = '1';

/** Whether a file has a test that is not in a `describeWith...`, so that loading it is worth the time. */
const hasQuickTest = (path) => /^(describe|it)\b/m.test(readFileSync(path, 'utf8'));

const without = globSync(['{apps,libs}/*/src/**/*.spec.ts', 'test/*/*.e2e-spec.ts']).filter(
  (path) => !hasQuickTest(path),
);

/** The tests of the inner loop. */
export default {
  ...config,
  // They wait for timeouts half of the time, and neither load the machine nor measure it.
  maxWorkers: 4,
  testPathIgnorePatterns: [...config.testPathIgnorePatterns, ...without.map((path) => `/${path}$`)],
};
