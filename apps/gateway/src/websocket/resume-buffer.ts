import type { BudgetAccount, ByteBudget } from './byte-budget.js';

interface BufferedMessage {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** What a kept message takes beside its bytes, so that empty messages are bounded too. */
const MESSAGE_COST_BYTES = 128;

/** What a client sends while its service is away, in order and within bounds. */
export class ResumeBuffer {
  private messages: BufferedMessage[] = [];
  private bytes = 0;

  constructor(
    private readonly limitBytes: number,
    private readonly budget: ByteBudget,
    private readonly account: BudgetAccount,
  ) {}

  get size(): number {
    return this.messages.length;
  }

  /** Whether there was room. */
  add(data: Buffer, isBinary: boolean): boolean {
    const cost = data.length + MESSAGE_COST_BYTES;
    if (this.bytes + cost > this.limitBytes || !this.budget.tryAcquire(cost, this.account)) return false;
    this.bytes += cost;
    // A small message is a view of a larger chunk, which would stay in memory with it.
    this.messages.push({ data: Buffer.from(data), isBinary });
    return true;
  }

  /** All of them, which are not kept any more. */
  shift(): BufferedMessage[] {
    const { messages } = this;
    this.budget.release(this.bytes, this.account);
    this.messages = [];
    this.bytes = 0;
    return messages;
  }
}
