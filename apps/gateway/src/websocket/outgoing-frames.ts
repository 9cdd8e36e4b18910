import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { BudgetShare, type BudgetAccount, type ByteBudget } from './byte-budget.js';

/** Bytes that may wait for a slow reader before whoever sends them is held back. */
const HIGH_WATER_BYTES = 32 * 1024;

/** Memory of a frame that waits, beside its bytes: an empty message is not free. Seen: 300 to 400. */
const FRAME_COST_BYTES = 256;

const TEXT = { binary: false, compress: false } as const;
const BINARY = { binary: true, compress: false } as const;

/** The frames that wait to be written to a socket: counted, and written together if they came together. */
export class OutgoingFrames {
  private readonly share: BudgetShare;
  private waiting = 0;
  private isCorked = false;

  /** @param onDrained runs after each write, if no more waits than may */
  constructor(
    private readonly socket: WebSocket,
    private readonly stream: Socket,
    budget: ByteBudget,
    account: BudgetAccount,
    private readonly onDrained: () => void,
  ) {
    this.share = new BudgetShare(budget, account);
  }

  /** Whether there is room for one more frame of this size; takes it. */
  tryAcquire(bytes: number): boolean {
    return this.share.set(this.waitingBytes + bytes + FRAME_COST_BYTES);
  }

  /** Writes a message. @param isOneOfMany whether it leaves in one write with what follows in this turn */
  send(data: Buffer | string, isBinary: boolean, isOneOfMany: boolean): void {
    if (isOneOfMany) this.cork();
    this.waiting++;
    this.socket.send(data, isBinary ? BINARY : TEXT, this.onSent);
    this.uncorkIfFull();
  }

  /** Answers a ping, as `send` writes a message. */
  pong(payload: Buffer, isOneOfMany: boolean): void {
    if (isOneOfMany) this.cork();
    this.waiting++;
    this.socket.pong(payload, undefined, this.onSent);
    this.uncorkIfFull();
  }

  /** Counts what waits now. Whether that is so much that whoever sends must wait. */
  settle(): boolean {
    const bytes = this.waitingBytes;
    this.share.set(bytes);
    return bytes >= HIGH_WATER_BYTES;
  }

  /** Whether the peer is slow to read: bytes wait here beside those that wait in the kernel. */
  get isWaiting(): boolean {
    return this.socket.bufferedAmount > 0;
  }

  /** Counts nothing any more: the connection is gone. */
  forget(): void {
    this.share.set(0);
  }

  private get waitingBytes(): number {
    return this.socket.bufferedAmount + this.waiting * FRAME_COST_BYTES;
  }

  private readonly onSent = (error?: Error | null): void => {
    this.waiting--;
    // A connection that broke keeps its figure, and nothing will lower it.
    if (error) this.share.set(0);
    else if (this.settle()) return;
    this.onDrained();
  };

  private cork(): void {
    if (this.isCorked) return;
    this.isCorked = true;
    this.stream.cork();
    process.nextTick(this.uncork);
  }

  /** What fills the high-water mark does not wait for the end of the turn. */
  private uncorkIfFull(): void {
    if (this.isCorked && this.waitingBytes >= HIGH_WATER_BYTES) this.uncork();
  }

  /** Writes what waits for the end of the turn. */
  readonly uncork = (): void => {
    if (!this.isCorked) return;
    this.isCorked = false;
    this.stream.uncork();
  };
}
