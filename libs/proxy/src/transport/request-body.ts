import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { BodyTooLargeException, BodyTooSlowException, ClientGoneException } from '../exceptions.js';
import type { Exchange } from '../exchange.js';

export interface MinimumRate {
  /** Bytes a second that a body must bring on average over each grace period. */
  readonly bytesPerSecond: number;
  /** Milliseconds over which the rate is taken; the first such period passes before anything is cut. */
  readonly graceMs: number;
}

/**
 * A request's body on its way to the service: it stops the client when the service does not keep up, counts what
 * passes, and fails past the limit or below the minimum rate. It stands between the client's request and undici,
 * which would destroy the request itself, and with it the connection that must still carry the answer.
 */
export class RequestBody extends Readable {
  private readonly request: IncomingMessage;
  private held = true;
  private windowBytes = 0;
  private windowMs = 0;
  /** Whether the client has sent all of it. */
  complete = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly limitBytes: number,
    private readonly minimumRate: MinimumRate,
  ) {
    super({ highWaterMark: 64 * 1024 });
    this.request = exchange.request;
    this.request.on('data', this.onData).on('end', this.onEnd).on('close', this.onClose);
    this.request.pause();
  }

  override _read(): void {
    this.held = false;
    this.request.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.request.off('data', this.onData).off('end', this.onEnd).off('close', this.onClose);
    callback(error);
  }

  /** Whether the service is what the client waits for. */
  get isHeld(): boolean {
    return this.held;
  }

  /** Judges the rate; time in which the service holds the client back does not count. */
  tick(elapsedMs: number): void {
    if (this.complete || this.held || this.destroyed) return;
    this.windowMs += elapsedMs;
    if (this.windowMs < this.minimumRate.graceMs) return;
    const tooSlow = this.windowBytes < (this.minimumRate.bytesPerSecond * this.windowMs) / 1000;
    this.windowMs = 0;
    this.windowBytes = 0;
    if (tooSlow) this.destroy(new BodyTooSlowException());
  }

  private readonly onData = (chunk: Buffer): void => {
    this.exchange.requestBytes += chunk.length;
    this.windowBytes += chunk.length;
    if (this.exchange.requestBytes > this.limitBytes) {
      this.destroy(new BodyTooLargeException(this.limitBytes));
    } else if (!this.push(chunk)) {
      this.held = true;
      this.request.pause();
    }
  };

  private readonly onEnd = (): void => {
    this.complete = true;
    this.push(null);
  };

  private readonly onClose = (): void => {
    if (!this.complete) this.destroy(new ClientGoneException('request_body'));
  };
}

/** RFC 9112, section 6.3: a request has a body where a length or a transfer coding says so. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const announced = headers['content-length'];
  return announced === undefined ? headers['transfer-encoding'] !== undefined : announced !== '0';
}

/** @throws BodyTooLargeException where a body announces more than the limit, before a byte of it is read */
export function checkAnnouncedLength({ headers }: IncomingMessage, limitBytes: number): void {
  const announced = headers['content-length'];
  if (announced !== undefined && Number(announced) > limitBytes) throw new BodyTooLargeException(limitBytes);
}
