import { BudgetShare, type BudgetAccount } from './byte-budget.js';
import type { RelayConnection } from './relay-record.js';
import { dropIncomplete, incompleteBytesOf } from './ws-internals.js';

/** Memory of a chunk in addition to its content, in bytes: a sender may send a message byte by byte. Measured: 700. */
export const CHUNK_COST_BYTES = 1_024;

/** Fewest bytes a second of an incomplete message, on average, once it has taken longer than the stall timeout. */
const MINIMUM_RATE_BYTES = 1_024;

/** Counts the messages that a socket receives, and the bytes of its incomplete message. */
export class IncomingMessages {
  private readonly share: BudgetShare;
  private messages = 0;
  private isForgotten = false;
  /** When a check first saw the incomplete message, and how many messages and bytes had arrived by then. */
  private incompleteSince = 0;
  private messagesBefore = -1;
  private bytesBefore = 0;

  /** @param onOverBudget called if the budget has no room for the bytes that have arrived */
  constructor(
    private readonly connection: RelayConnection,
    account: BudgetAccount,
    private readonly onOverBudget: () => void,
  ) {
    this.share = new BudgetShare(account);
  }

  countMessage(): void {
    this.messages++;
  }

  /** Counts the bytes of the incomplete message. Call when bytes have arrived or frames have been handled. */
  readonly countIncoming = (): void => {
    if (this.isForgotten) return;
    const bytes = incompleteBytesOf(this.connection.socket, CHUNK_COST_BYTES);
    if (bytes !== this.share.bytes && !this.share.set(bytes)) this.onOverBudget();
  };

  /**
   * Whether the incomplete message has been arriving for longer than the limit, below the minimum rate. Call once a
   * second.
   * @param isPaused whether the socket is paused: if so, the time starts again
   */
  isTooSlow(now: number, limitMs: number, isPaused: boolean): boolean {
    const { bytesRead } = this.connection.stream;
    if (isPaused || this.share.bytes === 0 || this.messagesBefore !== this.messages) {
      this.incompleteSince = now;
      this.messagesBefore = this.messages;
      this.bytesBefore = bytesRead;
      return false;
    }
    const elapsedMs = now - this.incompleteSince;
    return elapsedMs > limitMs && bytesRead - this.bytesBefore < (elapsedMs / 1000) * MINIMUM_RATE_BYTES;
  }

  /** Drops the incomplete message. The socket must not be read afterwards. */
  drop(): void {
    dropIncomplete(this.connection.socket);
    this.forget();
  }

  /** Stops counting, and releases the bytes of the incomplete message. */
  forget(): void {
    this.isForgotten = true;
    this.share.set(0);
  }
}
