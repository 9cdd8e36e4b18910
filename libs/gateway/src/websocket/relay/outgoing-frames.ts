import type { WebSocket } from 'ws';
import { BudgetShare, type BudgetAccount } from './byte-budget.js';
import type { RelayConnection } from './relay-record.js';

/** Bytes that wait for a slow reader, at which their senders are paused. */
const HIGH_WATER_BYTES = 32 * 1024;

/** Memory of a waiting frame in addition to its content, in bytes. Measured: 300 to 400. */
const FRAME_COST_BYTES = 256;

const TEXT = { binary: false } as const;
const BINARY = { binary: true } as const;
const PONG = 'pong';

/** Counts the frames that wait to be written to a socket, and writes frames together that arrived together. */
export class OutgoingFrames {
  private readonly socket: WebSocket;
  private readonly share: BudgetShare;
  private pendingFrames = 0;
  private isCorked = false;

  /** @param onDrained called after a write that leaves less than the high-water mark */
  constructor(
    private readonly connection: RelayConnection,
    account: BudgetAccount,
    private readonly onDrained: () => void,
  ) {
    this.socket = connection.socket;
    this.share = new BudgetShare(account);
  }

  /** Acquires the bytes of one more frame of this size. @returns false if there is no room */
  tryAcquire(bytes: number): boolean {
    return this.share.set(this.pendingBytes + bytes + FRAME_COST_BYTES);
  }

  /** Writes a message. @param arrivedInSameChunk whether to write it together with later frames of this turn */
  send(data: Buffer | string, isBinary: boolean, arrivedInSameChunk: boolean): void {
    this.queue(data, isBinary ? BINARY : TEXT, arrivedInSameChunk);
  }

  /** Responds to a ping. Parameters as in `send`. */
  pong(payload: Buffer, arrivedInSameChunk: boolean): void {
    this.queue(payload, PONG, arrivedInSameChunk);
  }

  /** Whether the waiting bytes have reached the high-water mark: the senders must be paused. */
  get isFull(): boolean {
    return this.pendingBytes >= HIGH_WATER_BYTES;
  }

  /** Whether bytes wait in the process, because the receiver reads slowly and the kernel's buffer is full. */
  get hasUnsentBytes(): boolean {
    return this.socket.bufferedAmount > 0;
  }

  /** Releases all bytes. Call when the connection is gone. */
  forget(): void {
    this.share.set(0);
  }

  /** Writes the frames that wait for the end of the turn. */
  readonly uncork = (): void => {
    if (!this.isCorked) return;
    this.isCorked = false;
    this.connection.stream.uncork();
  };

  private get pendingBytes(): number {
    return this.socket.bufferedAmount + this.pendingFrames * FRAME_COST_BYTES;
  }

  private queue(
    data: Buffer | string,
    kind: typeof TEXT | typeof BINARY | typeof PONG,
    arrivedInSameChunk: boolean,
  ): void {
    if (arrivedInSameChunk) this.cork();
    this.pendingFrames++;
    if (kind === PONG) this.socket.pong(data, undefined, this.onSent);
    else this.socket.send(data, kind, this.onSent);
    // Frames that fill the high-water mark do not wait for the end of the turn.
    if (this.isCorked && this.isFull) this.uncork();
    this.share.set(this.pendingBytes);
  }

  private readonly onSent = (error?: Error | null): void => {
    this.pendingFrames--;
    if (error) {
      // The `bufferedAmount` of a broken connection stays as it is.
      this.share.set(0);
    } else {
      this.share.set(this.pendingBytes);
      if (this.isFull) return;
    }
    this.onDrained();
  };

  private cork(): void {
    if (this.isCorked) return;
    this.isCorked = true;
    this.connection.stream.cork();
    process.nextTick(this.uncork);
  }
}
