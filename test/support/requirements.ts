/**
 * `describe` for tests that need a program of the machine. A laptop may lack it, and skips them; what decides whether a
 * change lands may not. `npm run test:quick` leaves them out by this same mark.
 */
export function describeWith(isInstalled: boolean): jest.Describe {
  if (process.env['QUICK_TESTS']) return describe.skip;
  return isInstalled || process.env['CI'] ? describe : describe.skip;
}

/** For tests that put the machine under load for many seconds. */
export const describeUnderLoad = describeWith(true);
