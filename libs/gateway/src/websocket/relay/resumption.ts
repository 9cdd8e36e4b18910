import { delay, randomFraction } from '@app/proxy/internal';
import type { BudgetAccount } from './byte-budget.js';
import type { RelayDialer, UpstreamWebSocket } from './relay-record.js';

/** Wait before the first dial of an upstream that is away, in milliseconds. Doubles with each dial. */
const FIRST_WAIT_MS = 50;
/** Longest wait before a dial, in milliseconds. */
const LONGEST_WAIT_MS = 2_000;

/** How long a resumed connection must last before its upstream counts as back, in milliseconds. */
const STABLE_MS = 5_000;

/** Dials an upstream that is away until it is back, with growing waits between dials. */
export class Resumption {
  /** Set during a resumption. */
  private controller: AbortController | undefined;
  /** Deadline of the dials, in milliseconds of `performance.now()`, and the wait before the next dial. */
  private interruption = { until: 0, waitMs: FIRST_WAIT_MS };
  /** From when on the upstream counts as back, in milliseconds of `performance.now()`. */
  private stableAt = -Infinity;

  constructor(
    private readonly dialer: RelayDialer,
    private readonly resumeMs: number,
  ) {}

  /**
   * Dials until the upstream accepts.
   * @param beforeDial runs before each dial; if it returns false, the resumption ends
   * @returns undefined if the resumption was ended, the time is over, or the upstream refuses with a status below 500
   */
  async dial(beforeDial: () => boolean): Promise<UpstreamWebSocket | undefined> {
    const { signal } = (this.controller = new AbortController());
    const begun = performance.now();
    // If the upstream went away again before it counted as back, the same interruption goes on.
    if (begun > this.stableAt) this.interruption = { until: begun + this.resumeMs, waitMs: FIRST_WAIT_MS };
    const { interruption } = this;
    for (;;) {
      // At random, so that not all relays dial an upstream at once.
      await delay(interruption.waitMs * (0.5 + randomFraction() / 2), { signal }).catch(() => {});
      interruption.waitMs = Math.min(interruption.waitMs * 2, LONGEST_WAIT_MS);
      const leftMs = interruption.until - performance.now();
      if (!beforeDial() || leftMs <= 0) return undefined;
      const result = await this.dialer.dial(signal, leftMs).catch(() => undefined);
      if (typeof result === 'object') return this.finish(result);
      if (result !== undefined && result < 500) return undefined;
    }
  }

  /** Ends the resumption, if there is one. */
  abort(): void {
    this.controller?.abort();
  }

  private finish(connection: UpstreamWebSocket): UpstreamWebSocket {
    this.controller = undefined;
    this.stableAt = performance.now() + STABLE_MS;
    return connection;
  }
}

/** Memory of a buffered message in addition to its content, in bytes, so that empty messages are bounded too. */
const MESSAGE_COST_BYTES = 128;

interface BufferedMessage {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** Buffers the messages that a client sends while its upstream is away, in order and within bounds. */
export class ResumeBuffer {
  private messages: BufferedMessage[] = [];
  private bytes = 0;

  constructor(
    private readonly limitBytes: number,
    private readonly account: BudgetAccount,
  ) {}

  /** @returns false, and buffers nothing, if there is no room */
  add(data: Buffer, isBinary: boolean): boolean {
    const cost = data.length + MESSAGE_COST_BYTES;
    if (this.bytes + cost > this.limitBytes || !this.account.tryAcquire(cost)) return false;
    this.bytes += cost;
    // A copy: `data` is a view of a larger chunk, which would stay in memory as a whole.
    this.messages.push({ data: Buffer.from(data), isBinary });
    return true;
  }

  /** Empties the buffer. @returns its messages in order */
  takeAll(): BufferedMessage[] {
    const { messages } = this;
    this.account.release(this.bytes);
    this.messages = [];
    this.bytes = 0;
    return messages;
  }
}
