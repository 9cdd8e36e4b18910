import type { Logger } from '@nestjs/common';

/** Milliseconds between two log lines. */
const LOG_EVERY_MS = 10_000;

/** Logs the failures of a team's part: the first at once, later ones at most every 10 s, with their number since. */
export class PartFailures {
  private loggedAt = -Infinity;
  private count = 0;

  /** @param message of the log line */
  constructor(
    private readonly logger: Logger,
    private readonly message: string,
  ) {}

  /** @param fields of the log line. Default: none */
  report(err: unknown, fields: object = {}): void {
    this.count++;
    const now = performance.now();
    if (now - this.loggedAt < LOG_EVERY_MS) return;
    this.loggedAt = now;
    this.logger.error({ message: this.message, failures: this.count, err, ...fields });
    this.count = 0;
  }
}

/** A part returned what its contract excludes. */
export class PartResultError extends TypeError {
  override readonly name = 'PartResultError';
}

/** Whether a part has returned a promise, of any kind: the queries of some databases have a `then` of their own. */
export function isPromiseLike(result: unknown): result is PromiseLike<unknown> {
  return typeof (result as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Keeps a promise that a part must not return from ending the process when it rejects. */
export function ignoreRejection(result: unknown): void {
  if (isPromiseLike(result)) result.then(undefined, () => {});
}
