import type { IncomingMessage } from 'node:http';
import { requestTrailersFor } from '../headers/request-headers.js';
import {
  BodyTooLargeException,
  BodyTooSlowException,
  ClientGoneException,
  type ProxyException,
} from '../http/exceptions.js';
import type { Exchange } from '../http/exchange.js';
import type { BodySink, BodySource } from '../transport/upstream-call.js';
import { BUFFERED_BODY_BYTES } from './announced-body.js';
import { BodyDelivery, type DeliveryOwner } from './body-delivery.js';
import type { MinimumRate } from './forward-options.js';

/** Who waits for a body. */
export interface BodyListener {
  /** Called once after `buffer`, when the body is complete or larger than `BUFFERED_BODY_BYTES`. */
  onBuffered(): void;
  /** The client has sent the whole body. */
  onComplete(): void;
}

/** Bytes that wait for the service, at which the client's request is paused. */
const HIGH_WATER_MARK_BYTES = 64 * 1024;

/**
 * A request's body on its way to the service: pauses the client if the service is slower, counts bytes, and fails past the
 * limit or below the minimum rate. A small body is buffered first. Any other is sent as it arrives, once.
 */
export class RequestBody implements BodySource, DeliveryOwner {
  readonly isChunked: boolean;
  /** Nothing is called after `destroy`. */
  listener: BodyListener | undefined;
  /** Whether no byte was sent, so that it can be sent from its start. */
  isUntouched = true;
  /** Whether the client is paused: nobody reads the body yet, or the service is slower. */
  isPaused = true;
  /** Whether the client has sent the whole body. */
  isComplete = false;
  private readonly request: IncomingMessage;
  private readonly delivery = new BodyDelivery(this);
  private isBuffering = false;
  private isDestroyed = false;
  private windowBytes = 0;
  private windowMs = 0;

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

  /** Reads the body before it is sent. */
  buffer(): void {
    this.isBuffering = true;
    this.resume();
  }

  /** Ends the buffering. The bytes so far wait to be sent. */
  stopBuffering(): void {
    this.isBuffering = false;
  }

  /** Whether the client has sent trailers behind the body. */
  get hasTrailers(): boolean {
    return this.request.rawTrailers.length > 0;
  }

  /** The body as one buffer, once it is complete. */
  whole(): Buffer {
    return this.delivery.whole();
  }

  sendTo(sink: BodySink): void {
    this.isUntouched = false;
    this.delivery.start(sink);
  }

  onDrain(): void {
    this.delivery.onDrain();
  }

  onRoom(): void {
    if (this.isPaused && !this.isComplete && !this.isDestroyed) this.resume();
  }

  /** Stops reading the request. */
  destroy(): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    this.delivery.stop();
    this.request.off('data', this.onData).off('end', this.onEnd).off('close', this.onClose);
    this.isBuffering = false;
    this.listener = undefined;
  }

  /** Checks the minimum rate. Time in which the client is paused does not count. */
  tick(elapsedMs: number): void {
    if (this.isComplete || this.isPaused || this.isDestroyed) return;
    this.windowMs += elapsedMs;
    if (this.windowMs < this.minimumRate.graceMs) return;
    const tooSlow = this.windowBytes < (this.minimumRate.bytesPerSecond * this.windowMs) / 1000;
    this.windowMs = this.windowBytes = 0;
    if (tooSlow) this.fail(new BodyTooSlowException());
  }

  private resume(): void {
    this.isPaused = false;
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
      this.delivery.push(chunk);
      const { bytes, isFull } = this.delivery;
      // While the connection takes no more, it has a high-water mark of bytes already.
      const hasRoom = this.isBuffering ? bytes <= BUFFERED_BODY_BYTES : bytes < HIGH_WATER_MARK_BYTES;
      if (hasRoom && !isFull) return;
      this.isPaused = true;
      this.request.pause();
      this.endBuffering();
    }
  };

  private endBuffering(): void {
    if (!this.isBuffering) return;
    this.isBuffering = false;
    this.listener?.onBuffered();
  }

  private readonly onEnd = (): void => {
    this.isComplete = true;
    this.delivery.end(requestTrailersFor(this.request.rawTrailers, this.exchange.requestChanges));
    this.endBuffering();
    this.listener?.onComplete();
  };

  private readonly onClose = (): void => {
    if (!this.isComplete) this.fail(new ClientGoneException('request_body'));
  };
}
