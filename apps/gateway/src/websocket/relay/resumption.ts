import { delay, randomFraction } from '@app/proxy';
import type { BudgetAccount } from './byte-budget.js';
import type { RelayDialer, UpstreamWebSocket } from './relay-record.js';

/** Milliseconds before an upstream that went away is dialled: the first time, doubled each time, and the most. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/** Milliseconds after which an upstream that was dialled again counts as back. */
const STABLE_MS = 5_000;

/** Dials an upstream that went away until it is back, ever more rarely. */
export class Resumption {
  /** Set while an upstream is dialled. */
  private controller: AbortController | undefined;
  /** `performance.now()` until when it is dialled, and the milliseconds before the next time. */
  private interruption = { until: 0, waitMs: FIRST_WAIT_MS };
  /** `performance.now()` from which the upstream that was dialled last counts as back. */
  private stableAt = -Infinity;

  constructor(
    private readonly dialer: RelayDialer,
    private readonly resumeMs: number,
  ) {}

  /**
   * @param beforeDial runs before each dial, and ends the resumption by false
   * @returns undefined if it was ended, the time is over, or the upstream refuses
   */
  async dial(beforeDial: () => boolean): Promise<UpstreamWebSocket | undefined> {
    const { signal } = (this.controller = new AbortController());
    const begun = performance.now();
    // An upstream that went away again at once was not back: the same interruption goes on.
    if (begun > this.stableAt) this.interruption = { until: begun + this.resumeMs, waitMs: FIRST_WAIT_MS };
    const { interruption } = this;
    for (;;) {
      // At random, so that the clients of an upstream do not all come back at once.
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

/** Memory of a buffered message beside its bytes, so that empty messages are bounded too. */
const MESSAGE_COST_BYTES = 128;

interface BufferedMessage {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** The messages that a client sends while its upstream is away, in order and within bounds. */
export class ResumeBuffer {
  private messages: BufferedMessage[] = [];
  private bytes = 0;

  constructor(
    private readonly limitBytes: number,
    private readonly account: BudgetAccount,
  ) {}

  /** @returns false if there is no room */
  add(data: Buffer, isBinary: boolean): boolean {
    const cost = data.length + MESSAGE_COST_BYTES;
    if (this.bytes + cost > this.limitBytes || !this.account.tryAcquire(cost)) return false;
    this.bytes += cost;
    // A small message is a view of a larger chunk, which would stay in memory with it.
    this.messages.push({ data: Buffer.from(data), isBinary });
    return true;
  }

  /** Takes all messages out. */
  takeAll(): BufferedMessage[] {
    const { messages } = this;
    this.account.release(this.bytes);
    this.messages = [];
    this.bytes = 0;
    return messages;
  }
}
