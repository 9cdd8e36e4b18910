import type { Logger } from '@nestjs/common';

/** Milliseconds between two requests that ask a degraded part. */
const RETRY_MS = 1_000;

/** The log lines of a part. */
export interface PartMessages {
  readonly degraded: string;
  readonly recovered: string;
}

/**
 * Whether a team's part may be asked. After a failure it is degraded, and one request a second asks it again, until one succeeds, so
 * that the others do not wait for it. Logs both changes.
 */
export class PartHealth {
  /** `performance.now()` when it became degraded; undefined while it is not. */
  private degradedSince: number | undefined;
  /** `performance.now()` from which a degraded part is asked again. */
  private retryAt = 0;

  constructor(
    private readonly logger: Logger,
    private readonly messages: PartMessages,
  ) {}

  get mayAsk(): boolean {
    return this.degradedSince === undefined || performance.now() >= this.retryAt;
  }

  /**
   * Runs a call of the part, and counts its outcome.
   * @throws what the call throws
   */
  async run<Result>(call: () => Result | PromiseLike<Result>): Promise<Awaited<Result>> {
    // Others do without the part while this call finds out whether it is back.
    this.retryAt = performance.now() + RETRY_MS;
    try {
      const result = await call();
      this.succeeded();
      return result;
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }

  /** @returns whether the part was not degraded before */
  failed(err: unknown): boolean {
    this.retryAt = performance.now() + RETRY_MS;
    if (this.degradedSince !== undefined) return false;
    this.degradedSince = performance.now();
    this.logger.warn({ message: this.messages.degraded, err });
    return true;
  }

  succeeded(): void {
    if (this.degradedSince === undefined) return;
    const awayMs = Math.round(performance.now() - this.degradedSince);
    this.degradedSince = undefined;
    this.logger.log({ message: this.messages.recovered, away_ms: awayMs });
  }
}
