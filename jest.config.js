/** Jest over native ES modules; SWC emits the decorator metadata that Nest's injector reads. */
export default {
  testEnvironment: 'node',
  // Of a test that waits for something which never comes; a busy machine alone should not end one.
  testTimeout: 20_000,
  // Most tests wait for a process, and by itself Jest leaves a core free. More would only wait for each other.
  maxWorkers: 2,
  // Modules that a worker has loaded stay in its memory.
  workerIdleMemoryLimit: '1.5GB',
  reporters: ['default', '<rootDir>/scripts/summary-reporter.mjs'],
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/{apps,libs}/**/*.spec.ts', '<rootDir>/test/**/*.e2e-spec.ts'],
  // `jest.parts.config.js` has those that need an install of their own.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/parts/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2023',
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleNameMapper: {
    '^@app/(auth|gateway|proxy)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
};
