import { TestEnvironment } from 'jest-environment-node';

/** Lets the processes that a test starts write what they have run. The test's own process tells Jest. */
export default class CoverageEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    // Node hands this variable on to every child, also to one with an environment of its own.
    process.env.NODE_V8_COVERAGE = `${config.globalConfig.rootDir}/coverage/children`;
  }
}
