import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import type { CodecFault, MessageCodec } from '../../http/message-codec.js';

/** Most messages that the process compresses or inflates at once: half of Node's thread pool, which DNS and files share. */
const MAX_JOBS = 2;

/** The end of each compressed message, which is not sent (RFC 7692, section 7.2.1). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** Bytes to which a message may inflate at any ratio. */
const FREE_BYTES = 64 * 1024;

/** Window of a client's messages: it may use the largest. */
const CLIENT_WINDOW_BITS = 15;

const TOO_LARGE: CodecFault = { closeCode: 1009, error: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' };
const INVALID: CodecFault = { closeCode: 1007, error: 'WS_ERR_INVALID_COMPRESSED_DATA' };

type Job = (onEnd: () => void) => void;

/** Runs jobs in their order, at most `MAX_JOBS` at once. A socket has one of each direction at most. */
class JobQueue {
  private readonly waiting = new Set<Job>();
  private running = 0;

  add(job: Job): void {
    if (this.running === MAX_JOBS) this.waiting.add(job);
    else this.run(job);
  }

  private run(job: Job): void {
    this.running++;
    job(this.onEnd);
  }

  private readonly onEnd = (): void => {
    this.running--;
    const [next] = this.waiting;
    if (next === undefined) return;
    this.waiting.delete(next);
    this.run(next);
  };
}

/** Of all sockets. */
const jobs = new JobQueue();

/** Bounds of a compression, see `WebSocketCompression`. */
export interface CompressionLimits {
  readonly windowBits: number;
  readonly thresholdBytes: number;
  readonly ratioLimit: number;
  /** Largest message, inflated, in bytes. */
  readonly messageLimitBytes: number;
}

/**
 * Compresses and inflates the messages of sockets, each by itself, so that a socket has no memory of its own for it. A
 * message that inflates beyond its bounds fails before more than 64 KiB beyond them are in memory.
 */
export class MessageCompression implements MessageCodec {
  readonly thresholdBytes: number;
  private readonly options;

  constructor(private readonly limits: CompressionLimits) {
    const { windowBits, thresholdBytes } = limits;
    this.thresholdBytes = thresholdBytes;
    // zlib's own default for 15 bits is 8, of 9 levels; the hash table is as large as the window then.
    this.options = { windowBits, memLevel: windowBits - 7, finishFlush: constants.Z_SYNC_FLUSH };
  }

  inflate(deflated: Buffer, done: (result: Buffer | CodecFault) => void): void {
    const { messageLimitBytes, ratioLimit } = this.limits;
    const maxOutputLength = Math.min(
      messageLimitBytes,
      Math.max(FREE_BYTES, Math.floor(deflated.length * ratioLimit)),
    );
    const options = {
      windowBits: CLIENT_WINDOW_BITS,
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength,
      chunkSize: Math.min(FREE_BYTES, 1_024 + deflated.length * 4),
    };
    jobs.add((onEnd) => {
      inflateRaw(Buffer.concat([deflated, TAIL]), options, (error, message) => {
        onEnd();
        if (error)
          done((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? TOO_LARGE : INVALID);
        else done(message);
      });
    });
  }

  deflate(message: Buffer, done: (deflated: Buffer | undefined) => void): void {
    jobs.add((onEnd) => {
      deflateRaw(message, this.options, (error, deflated) => {
        onEnd();
        done(error ? undefined : deflated.subarray(0, -TAIL.length));
      });
    });
  }
}
