import config from './jest.config.js';

/** The tests that need Java, Go or an install of their own. */
export default {
  ...config,
  globalSetup: '<rootDir>/scripts/jest/package.mjs',
  testMatch: ['<rootDir>/test/parts/**/*.e2e-spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
