import { printable } from '../printable.js';
import { describePlace, type Place } from '../chain/said.js';

/** A file that cannot be read or parsed; nothing can be said of a chain that lacks it. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';

  constructor(at: Place, reason: string, options?: ErrorOptions) {
    super(printable(`${describePlace(at)}: ${reason}`), options);
  }
}
