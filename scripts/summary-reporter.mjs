/** Ends a test run with one plain line that any tool can read. */
export default class SummaryReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numFailedTestSuites, testResults }) {
    // A suite that could not be loaded has no test that failed.
    const broken = testResults.filter(({ testExecError }) => testExecError).length;
    const failed = Math.max(numFailedTests + broken, numFailedTestSuites);
    process.stdout.write(`${numPassedTests} passed, ${failed} failed\n`);
  }
}
