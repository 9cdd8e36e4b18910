import config from './jest.config.js';

/** The tests that need Java, Go or an install of their own. */
export default {
  ...config,
  testMatch: ['<rootDir>/test/parts/**/*.e2e-spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
