/**
 * `describe` for tests that need a program of the machine. Without the program they are skipped, and fail if `CI` is set.
 * `npm run test:quick` leaves them out.
 */
export function describeWith(isInstalled: boolean): jest.Describe {
  if (process.env['QUICK_TESTS']) return describe.skip;
  return isInstalled || process.env['CI'] ? describe : describe.skip;
}

/** `describe` for tests that load the machine for many seconds. */
export const describeUnderLoad = describeWith(true);

/** For tests that start a program of the build: `npm run test:quick` builds none. */
export const describeWithBuild = describeWith(true);
