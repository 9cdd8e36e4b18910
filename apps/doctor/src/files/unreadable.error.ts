import { printable } from '../printable.js';
import { describeLocation, type SourceLocation } from '../deployment/sourced.js';

/** A file that cannot be read or parsed; nothing can be said of a deployment that lacks it. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';

  constructor(at: SourceLocation, reason: string, options?: ErrorOptions) {
    super(printable(`${describeLocation(at)}: ${reason}`), options);
  }
}
