import { TestEnvironment } from 'jest-environment-node';

/**
 * Makes the processes that a test starts write their coverage. Jest collects the coverage of the test's own process.
 */
export default class CoverageEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    // Node passes this variable to every child process, also to one with its own environment.
    process.env.NODE_V8_COVERAGE = `${config.globalConfig.rootDir}/coverage/children`;
  }
}
