import type { WebSocket } from 'ws';

/** Frames of one socket that are handled in one turn of the event loop. A chunk of 64 KiB holds 32,768 of the smallest. */
const FRAMES_PER_TURN = 64;

/** From this frame on the end of the turn is waited for, so that the usual turn, of one frame, costs no immediate. */
const FRAMES_BEFORE_WAIT = 32;

/** The receiver of `ws`. It reads the flag before each event; the version is pinned, and a test proves the effect. */
interface Receiver {
  /** Without it the receiver emits its next event in the next turn, and parses nothing until then. */
  _allowSynchronousEvents: boolean;
}

/** Lets the frames of a socket be handled a few in each turn, so that a peer which sends many delays nobody else. */
export class FramePace {
  private framesInTurn = 0;
  private framesInChunk = 0;

  /** @param onTaken runs when frames of an earlier chunk have been handled in a later turn */
  constructor(
    private readonly socket: WebSocket,
    private readonly onTaken: () => void,
  ) {}

  /** Whether the frame that is handled now came in one chunk with others before it. */
  get isOneOfMany(): boolean {
    return this.framesInChunk > 1;
  }

  /** Counts a message, a ping or a pong. To be called before it is handled. */
  count(): void {
    this.framesInChunk++;
    this.framesInTurn++;
    if (this.framesInTurn === FRAMES_BEFORE_WAIT) setImmediate(this.endTurn);
    else if (this.framesInTurn === FRAMES_PER_TURN) this.receiver._allowSynchronousEvents = false;
  }

  /** To be called when the receiver has taken up a chunk. */
  endChunk(): void {
    this.framesInChunk = 0;
  }

  /** Runs before the event that the receiver has deferred. */
  private readonly endTurn = (): void => {
    // All that this turn lets through has been handled by the next.
    if (this.framesInTurn >= FRAMES_PER_TURN) setImmediate(this.onTaken);
    this.framesInTurn = 0;
    this.receiver._allowSynchronousEvents = true;
  };

  private get receiver(): Receiver {
    return (this.socket as unknown as { readonly _receiver: Receiver })._receiver;
  }
}
