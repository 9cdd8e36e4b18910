/** The rule that a compressed message breaks: a close code, and an error code that begins with `WS_ERR_`. */
export interface CodecFault {
  readonly closeCode: number;
  readonly error: string;
}

/** Compresses and inflates each message by itself. Both call `done` later, never in the same turn of the stack. */
export interface MessageCodec {
  /** Shorter messages are sent as they are. */
  readonly thresholdBytes: number;
  /** @param deflated the whole message */
  inflate(deflated: Buffer, done: (result: Buffer | CodecFault) => void): void;
  /** @param done gets undefined if the message cannot be compressed */
  deflate(message: Buffer, done: (deflated: Buffer | undefined) => void): void;
}

const EMPTY = Buffer.alloc(0);

/** What `ws` calls for compressed messages of a socket, in place of its own class, which keeps its memory between messages. */
export class DeflateExtension {
  // Read by `ws`: it compresses messages from the threshold on, since no context is kept.
  readonly params = { server_no_context_takeover: true };
  readonly _isServer = true;
  /** Fragments of an incomplete message. */
  fragments: Buffer[] = [];

  /** @param fail makes the error of a broken rule @param stop ends the connection */
  constructor(
    private readonly codec: MessageCodec,
    private readonly fail: (closeCode: number, code: string) => Error,
    private readonly stop: () => void,
  ) {}

  get _threshold(): number {
    return this.codec.thresholdBytes;
  }

  decompress(data: Buffer, isLast: boolean, done: (error: Error | null, data?: Buffer) => void): void {
    if (data.length > 0) this.fragments.push(data);
    if (!isLast) {
      process.nextTick(done, null, EMPTY);
      return;
    }
    const whole = Buffer.concat(this.fragments);
    this.fragments = [];
    this.codec.inflate(whole, (result) => {
      if (Buffer.isBuffer(result)) done(null, result);
      else done(this.fail(result.closeCode, result.error));
    });
  }

  compress(message: Buffer | string, _isLast: boolean, done: (error: null, data: Buffer) => void): void {
    this.codec.deflate(typeof message === 'string' ? Buffer.from(message) : message, (deflated) => {
      // `ws` calls back with an error if the connection is gone.
      if (deflated === undefined) this.stop();
      done(null, deflated ?? EMPTY);
    });
  }

  /** `ws` calls it when the socket has closed. */
  cleanup(): void {
    this.fragments = [];
  }
}
