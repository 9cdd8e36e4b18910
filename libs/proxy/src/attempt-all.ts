import { RouteTableConfigurationError } from './routing/upstream-route.js';

/**
 * Makes all steps of a boot, so that a fault does not hide the next.
 * @throws the error of the only step that fails; RouteTableConfigurationError with a line for each if several do
 */
export function attemptAll(steps: readonly (() => void)[]): void {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 1)
    throw new RouteTableConfigurationError(errors.map((error) => (error as Error).message).join('\n'));
  if (errors.length === 1) throw errors[0];
}
