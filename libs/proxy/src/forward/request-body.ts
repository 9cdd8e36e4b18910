import type { IncomingMessage } from 'node:http';
import {
  BodyTooLargeException,
  BodyTooSlowException,
  ClientGoneException,
  type ProxyException,
} from '../http/exceptions.js';
import { requestTrailersFor } from '../headers/request-headers.js';
import type { Exchange } from '../http/exchange.js';
import type { BodySink, BodySource } from '../transport/upstream-call.js';
import { ChunkQueue } from './chunk-queue.js';

export interface MinimumRate {
  /** Fewest bytes a second of a body, on average over each grace period. */
  readonly bytesPerSecond: number;
  /** Milliseconds of a grace period. The rate is checked at its end. */
  readonly graceMs: number;
}

/** Bytes that wait for the service, at which the client's request is paused. */
const HIGH_WATER_MARK_BYTES = 64 * 1024;

/** Chunks as large as this go to the service at once. Smaller ones wait for others of the same turn of the event loop. */
const LARGE_CHUNK_BYTES = 4 * 1024;

/** Largest body that is read whole before its request goes to the service. */
export const BUFFERED_BODY_BYTES = 64 * 1024;

/**
 * A request's body on its way to the service: pauses the client if the service is slower, counts bytes, and fails past the
 * limit or below the minimum rate. A small body is buffered first. Any other is sent as it arrives, once.
 */
export class RequestBody implements BodySource {
  readonly isChunked: boolean;
  private readonly request: IncomingMessage;
  private readonly waiting = new ChunkQueue();
  private sink: BodySink | undefined;
  /** Whether the sink takes no more at present. */
  private isBlocked = false;
  private deliveryTimer: NodeJS.Immediate | undefined;
  private isDestroyed = false;
  private paused = true;
  /** Whether no byte was sent, so that it can be sent from its start. */
  isUntouched = true;
  private onBuffered: (() => void) | undefined;
  private windowBytes = 0;
  private windowMs = 0;
  /** Whether the client has sent the whole body. */
  complete = false;
  /** Called when the client has sent the whole body. */
  onComplete: (() => void) | undefined;

  /** @param onError called once if the body cannot be complete; not after `destroy` */
  constructor(
    private readonly exchange: Exchange,
    private readonly limitBytes: number,
    private readonly minimumRate: MinimumRate,
    private readonly onError: (error: ProxyException) => void,
  ) {
    this.request = exchange.request;
    this.isChunked = this.request.headers['content-length'] === undefined;
    this.request.on('data', this.onData).on('end', this.onEnd).on('close', this.onClose);
    this.request.pause();
  }

  /**
   * Reads the body before it is sent.
   * @param onBuffered called once, when the body is complete or larger than `BUFFERED_BODY_BYTES`; not if it fails before
   */
  buffer(onBuffered: () => void): void {
    this.onBuffered = onBuffered;
    this.release();
  }

  /** Ends the buffering. The bytes so far wait to be sent. */
  stopBuffering(): void {
    this.onBuffered = undefined;
  }

  /** Whether the client has sent trailers behind the body. */
  get hasTrailers(): boolean {
    return this.request.rawTrailers.length > 0;
  }

  /** The body as one buffer, once it is complete. */
  whole(): Buffer {
    return this.waiting.whole();
  }

  sendTo(sink: BodySink): void {
    this.isUntouched = false;
    this.sink = sink;
    this.deliver();
  }

  onDrain(): void {
    this.isBlocked = false;
    this.deliver();
  }

  /** Whether the client is paused because the service is slower. */
  get isPaused(): boolean {
    return this.paused;
  }

  /** Stops reading the request. */
  destroy(): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    this.sink = undefined;
    this.waiting.clear();
    clearImmediate(this.deliveryTimer);
    this.request.off('data', this.onData).off('end', this.onEnd).off('close', this.onClose);
    this.onBuffered = this.onComplete = undefined;
  }

  /** Checks the minimum rate. Time in which the client is paused does not count. */
  tick(elapsedMs: number): void {
    if (this.complete || this.paused || this.isDestroyed) return;
    this.windowMs += elapsedMs;
    if (this.windowMs < this.minimumRate.graceMs) return;
    const tooSlow = this.windowBytes < (this.minimumRate.bytesPerSecond * this.windowMs) / 1000;
    this.windowMs = 0;
    this.windowBytes = 0;
    if (tooSlow) this.fail(new BodyTooSlowException());
  }

  private release(): void {
    this.paused = false;
    this.request.resume();
  }

  private fail(error: ProxyException): void {
    this.destroy();
    this.onError(error);
  }

  private readonly onData = (chunk: Buffer): void => {
    this.exchange.requestBytes += chunk.length;
    // A client may send its body without waiting for 100.
    this.exchange.waitsForContinue = false;
    this.windowBytes += chunk.length;
    if (this.exchange.requestBytes > this.limitBytes) {
      this.fail(new BodyTooLargeException(this.limitBytes));
    } else {
      this.waiting.push(chunk);
      if (this.sink && chunk.length >= LARGE_CHUNK_BYTES) this.deliver();
      else if (this.sink) this.deliverSoon();
      const { bytes } = this.waiting;
      // While the connection takes no more, it has a high-water mark of bytes already.
      const hasRoom = this.onBuffered ? bytes <= BUFFERED_BODY_BYTES : bytes < HIGH_WATER_MARK_BYTES;
      if (hasRoom && !this.isBlocked) return;
      this.paused = true;
      this.request.pause();
      this.endBuffering();
    }
  };

  /**
   * Delivers once in a turn of the event loop. A client may send each byte in a chunk of its own, and each would be a write.
   */
  private deliverSoon(): void {
    this.deliveryTimer ??= setImmediate(onDelivery, this);
  }

  /** Sends what waits, until the sink takes no more. */
  deliver(): void {
    clearImmediate(this.deliveryTimer);
    this.deliveryTimer = undefined;
    while (this.sink && !this.isBlocked) {
      const chunk = this.waiting.shift();
      if (!chunk) break;
      this.isBlocked = !this.sink.writeBody(chunk);
    }
    if (this.paused && !this.isBlocked && !this.complete && !this.isDestroyed) this.release();
    if (this.complete && this.waiting.bytes === 0) this.endSink();
  }

  private endSink(): void {
    const { sink } = this;
    this.sink = undefined;
    sink?.endBody(requestTrailersFor(this.request.rawTrailers));
  }

  private endBuffering(): void {
    const { onBuffered } = this;
    this.onBuffered = undefined;
    onBuffered?.();
  }

  private readonly onEnd = (): void => {
    this.complete = true;
    this.deliver();
    this.endBuffering();
    this.onComplete?.();
  };

  private readonly onClose = (): void => {
    if (!this.complete) this.fail(new ClientGoneException('request_body'));
  };
}

/** Shared: a closure for each body would stay in V8's old generation. */
function onDelivery(body: RequestBody): void {
  body.deliver();
}

/** Whether a request has a body: it has a length above 0 or a transfer coding (RFC 9112, section 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  const announced = headers['content-length'];
  return announced === undefined ? headers['transfer-encoding'] !== undefined : announced !== '0';
}

/** @throws BodyTooLargeException if the announced length is above the limit, before a byte is read */
export function checkAnnouncedLength({ headers }: IncomingMessage, limitBytes: number): void {
  const announced = headers['content-length'];
  if (announced !== undefined && Number(announced) > limitBytes) throw new BodyTooLargeException(limitBytes);
}
