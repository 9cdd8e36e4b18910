import { BudgetShare, type BudgetAccount } from './byte-budget.js';
import type { RelayConnection } from './relay-record.js';
import { dropIncomplete, incompleteBytesOf } from './ws-internals.js';

/** Memory of a chunk beside its bytes: a peer may send a message byte by byte. Seen: 700. */
export const CHUNK_COST_BYTES = 1_024;

/** Bytes a second that a message must bring once it has taken longer than an end may be paused. */
const MINIMUM_RATE_BYTES = 1_024;

/** The messages that come over a socket: counts them, and the bytes of the one that is not complete. */
export class IncomingMessages {
  private readonly share: BudgetShare;
  private messages = 0;
  private isForgotten = false;
  /** When the incomplete message was first seen, and which messages and bytes had come by then. */
  private incompleteSince = 0;
  private messagesBefore = -1;
  private bytesBefore = 0;

  /** @param onOverBudget called if there is no room for what has come */
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

  /** Counts the bytes of the incomplete message. To be called when bytes have come or frames have been handled. */
  readonly countIncoming = (): void => {
    if (this.isForgotten) return;
    const bytes = incompleteBytesOf(this.connection.socket, CHUNK_COST_BYTES);
    if (bytes !== this.share.bytes && !this.share.set(bytes)) this.onOverBudget();
  };

  /**
   * Whether the incomplete message has been coming for longer than the limit, below the minimum rate. To be asked once a
   * second.
   * @param isPaused whether the socket is not read: then the time begins anew
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

  /** Drops the incomplete message. The socket must not be read any more. */
  drop(): void {
    dropIncomplete(this.connection.socket);
    this.forget();
  }

  /** Counts nothing any more, and releases its bytes. */
  forget(): void {
    this.isForgotten = true;
    this.share.set(0);
  }
}
