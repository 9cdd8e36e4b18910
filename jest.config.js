/** Jest over Node's own ES modules. */
export default {
  testRunner: '<rootDir>/scripts/jest/runner.mjs',
  testEnvironment: '<rootDir>/scripts/jest/environment.mjs',
  // Of a test that waits for something which never comes; a busy machine alone should not end one.
  testTimeout: 20_000,
  // On two cores: a third of the time of a test is a wait for a timeout. Four are too many for the tests under load.
  maxWorkers: 3,
  // Modules that a worker has loaded stay in its memory.
  workerIdleMemoryLimit: '1.5GB',
  reporters: ['default', '<rootDir>/scripts/summary-reporter.mjs'],
  testMatch: ['<rootDir>/{apps,libs}/**/*.spec.ts', '<rootDir>/test/**/*.e2e-spec.ts'],
  // `jest.parts.config.js` has those that need an install of their own.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/parts/'],
  // Projects of their own, whose names are those of other files.
  modulePathIgnorePatterns: ['<rootDir>/(templates|dist/package|test/parts/foreign)/'],
  // Node imports the sources, see `scripts/jest/modules.mjs`. The names below are for `--watch` alone.
  transform: {},
  moduleNameMapper: {
    '^@app/(auth|doctor|gateway|proxy|testing)$': '<rootDir>/libs/$1/src/index.ts',
    '^@app/(auth|gateway|proxy|testing)/internal$': '<rootDir>/libs/$1/src/internal.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
};
