import { dropIncomplete, emitSynchronously, incompleteBytesOf } from '../../http/ws-internals.js';
import type { WebSocket } from 'ws';
import { BudgetShare, type BudgetAccount } from './byte-budget.js';
import type { RelayConnection } from './relay-record.js';

/** Most frames of one socket that are handled in one turn of the event loop. 64 KiB may contain 32,768 small frames. */
const FRAMES_PER_TURN = 64;

/**
 * Number of frames from which on the count is reset at the end of the turn, by an immediate. Below, none is scheduled: the
 * count may go on over several turns.
 */
const FRAMES_BEFORE_RESET = 32;

/**
 * Bounds the frames of a socket that are handled in one turn of the event loop, so that a socket with many delays no other.
 *
 * 1. `count` counts each frame. At the 64th it tells the receiver of `ws` to emit only one more event in each turn
 *    (`emitSynchronously(false)`): the receiver parses nothing until the next turn.
 * 2. `endTurn`, an immediate, resets the count and lets the receiver emit at once again, before it emits that event.
 */
export class FramePace {
  private framesSinceReset = 0;
  private framesInChunk = 0;

  /** @param onFramesHandled runs when frames of an earlier chunk have been handled in a later turn */
  constructor(
    private readonly socket: WebSocket,
    private readonly onFramesHandled: () => void,
  ) {}

  /** Whether the current frame arrived in one chunk with frames before it. */
  get arrivedInSameChunk(): boolean {
    return this.framesInChunk > 1;
  }

  /** Counts a message, a ping or a pong. Call before it is handled. */
  count(): void {
    this.framesInChunk++;
    this.framesSinceReset++;
    if (this.framesSinceReset === FRAMES_BEFORE_RESET) setImmediate(this.endTurn);
    else if (this.framesSinceReset === FRAMES_PER_TURN) emitSynchronously(this.socket, false);
  }

  /** Call when the receiver has read a chunk. */
  endChunk(): void {
    this.framesInChunk = 0;
  }

  /** Runs in the next turn, before the event that the receiver has deferred to it. */
  private readonly endTurn = (): void => {
    // The receiver now handles the deferred frames; the immediate runs after them.
    if (this.framesSinceReset >= FRAMES_PER_TURN) setImmediate(this.onFramesHandled);
    this.framesSinceReset = 0;
    emitSynchronously(this.socket, true);
  };
}

/** Memory of a chunk in addition to its content, in bytes: a sender may send a message byte by byte. Measured: 700. */
export const CHUNK_COST_BYTES = 1_024;

/** Fewest bytes a second of an incomplete message, on average, once it has taken longer than the stall timeout. */
const MINIMUM_RATE_BYTES = 1_024;

/** Counts the messages that a socket receives, and the bytes of its incomplete message. */
export class IncomingMessages {
  private readonly share: BudgetShare;
  private messages = 0;
  private isForgotten = false;
  /** When a check first saw the present incomplete message, in milliseconds of `performance.now()`. */
  private incompleteSince = 0;
  /** Messages that were complete by then; -1 before the first check. */
  private messagesBefore = -1;
  /** Bytes that had arrived by then. */
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

  /** Frees the incomplete message and its bytes. The socket must not be read afterwards. */
  drop(): void {
    dropIncomplete(this.connection.socket);
    this.forget();
  }

  /** Stops counting, and releases the bytes of the incomplete message. `ws` still has the message. */
  forget(): void {
    this.isForgotten = true;
    this.share.set(0);
  }
}
