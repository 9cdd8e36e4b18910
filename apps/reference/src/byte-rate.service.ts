import { Inject, Injectable } from '@nestjs/common';
import { SERVICE_CONFIG, type ServiceConfig } from './service.config.js';

const BYTES_PER_SECOND = 1024 * 1024;
/** Seconds over which the rate is averaged. After so long a silence a user may send the bytes of this time at once. */
const AVERAGED_SECONDS = 32;
/**
 * The least bytes that a message counts as, since each is a transaction: 512 messages a second, 16,384 at once.
 */
const MIN_MESSAGE_BYTES = 2_048;

/** The error of a message above the rate, by HTTP and on sockets. */
export const TOO_MANY_BYTES = { code: 'TOO_MANY_BYTES', message: 'More than 1 MiB a second' } as const;

/** Limits the bytes that each user sends to this process, over all sockets and requests. */
@Injectable()
export class ByteRateService {
  readonly #bytesPerMs: number;
  /** The moment at which a user may send at full burst again, by `performance.now()`. Ordered by the last message. */
  readonly #restoredAt = new Map<string, number>();

  constructor(@Inject(SERVICE_CONFIG) { messageBytesPerSecond = BYTES_PER_SECOND }: ServiceConfig) {
    this.#bytesPerMs = messageBytesPerSecond / 1000;
  }

  /** Counts a message and returns 0; above the rate, counts nothing and returns the milliseconds until it may be sent. */
  consume(userId: string, messageBytes: number): number {
    const now = performance.now();
    const bytes = Math.max(messageBytes, MIN_MESSAGE_BYTES);
    this.#forgetRestored(now);
    const restoredAt = Math.max(now, this.#restoredAt.get(userId) ?? 0) + bytes / this.#bytesPerMs;
    const excessMs = restoredAt - now - AVERAGED_SECONDS * 1000;
    if (excessMs > 0) return Math.ceil(excessMs);
    this.#restoredAt.delete(userId);
    this.#restoredAt.set(userId, restoredAt);
    return 0;
  }

  #forgetRestored(now: number): void {
    for (const [userId, restoredAt] of this.#restoredAt) {
      if (restoredAt > now) return;
      this.#restoredAt.delete(userId);
    }
  }
}
