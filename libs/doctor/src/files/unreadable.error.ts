import { printable } from './printable.js';
import { describeLocation, type SourceLocation } from './sourced.js';

/** A file cannot be read or parsed, so the deployment cannot be examined. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';

  constructor(at: SourceLocation, reason: string, options?: ErrorOptions) {
    super(printable(`${describeLocation(at)}: ${reason}`), options);
  }
}
