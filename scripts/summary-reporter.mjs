import { relative } from 'node:path';

const SLOWEST = 10;
const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;

/** Prints the slowest files at the end of a test run, and `N passed, N failed` as the last line, for tools. */
export default class SummaryReporter {
  constructor({ rootDir }) {
    this.rootDir = rootDir;
  }

  onRunComplete(_contexts, { numPassedTests, numFailedTests, numFailedTestSuites, testResults }) {
    const slowest = testResults
      .filter(({ perfStats }) => perfStats.runtime > 0)
      .toSorted((a, b) => b.perfStats.runtime - a.perfStats.runtime)
      .slice(0, SLOWEST);
    const lines = slowest.map(
      ({ perfStats, testFilePath }) =>
        `${seconds(perfStats.runtime).padStart(9)}  ${relative(this.rootDir, testFilePath)}`,
    );
    // A suite that could not be loaded has no failed test, but counts as one.
    const broken = testResults.filter(({ testExecError }) => testExecError).length;
    const failed = Math.max(numFailedTests + broken, numFailedTestSuites);
    // Jest prints its own summary after all reporters; this output comes after that.
    process.once('exit', () =>
      process.stdout.write(
        `${['\nSlowest files:', ...lines].join('\n')}\n${numPassedTests} passed, ${failed} failed\n`,
      ),
    );
  }
}
