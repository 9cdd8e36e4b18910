import { networkOf } from '../http/client-network.js';
import {
  TooManyUploadsException,
  UpstreamBodiesBusyException,
  type ProxyException,
} from '../http/exceptions.js';
import type { Exchange } from '../http/exchange.js';
import { mayBeBuffered } from './announced-body.js';
import type { ForwardOptions } from './forward-options.js';
import type { BodyListener, RequestBody } from './request-body.js';
import type { StreamedBody } from './streamed-body-limit.js';

/** Longest time in milliseconds that a body is buffered. */
const BUFFERING_TIMEOUT_MS = 100;

export interface BufferingListener {
  /** The request can be sent, with its whole body or with one to be streamed. */
  onReady(body: RequestBody | Buffer): void;
  /** The request cannot be sent. */
  onRefused(exception: ProxyException): void;
}

/**
 * Reads a small body before its request is sent, so that a slow client does not occupy a connection. A large or slow body is
 * streamed instead, within the upstream's limit.
 */
export class RequestBuffering implements StreamedBody, BodyListener {
  private state: 'none' | 'queued' | 'streaming' = 'none';
  /** `performance.now()` when the request was queued. */
  private queuedAt = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly exchange: Exchange,
    private readonly body: RequestBody,
    private readonly options: Pick<ForwardOptions, 'upstream' | 'streamedBodyLimit' | 'passesExpect'>,
    private readonly listener: BufferingListener,
  ) {
    body.listener = this;
  }

  get network(): string {
    return networkOf(this.exchange.clientAddress);
  }

  /** Whether the service decides if the client may send its body. */
  private get passesExpect(): boolean {
    return this.options.passesExpect && this.exchange.waitsForContinue;
  }

  get isQueued(): boolean {
    return this.state === 'queued';
  }

  /** @param mustBeWhole whether a small body is buffered without a timeout; the minimum rate limits its time */
  start(mustBeWhole: boolean): void {
    if (this.passesExpect || !mayBeBuffered(this.exchange.request)) {
      this.stream();
      return;
    }
    this.exchange.writeContinue();
    if (!mustBeWhole) this.timer = setTimeout(onBufferingTimeout, BUFFERING_TIMEOUT_MS, this);
    this.body.buffer();
  }

  /** Ends the buffering: sends the request with its whole body, or streams the body. */
  onBuffered(): void {
    clearTimeout(this.timer);
    this.body.stopBuffering();
    if (this.body.isComplete) this.sendWhole();
    else this.stream();
  }

  private stream(): void {
    const outcome = this.options.streamedBodyLimit.tryAcquire(this);
    if (outcome === 'network limit' || outcome === 'queue full') {
      const { upstream } = this.options;
      const isOfClient = outcome === 'network limit';
      this.listener.onRefused(
        isOfClient ? new TooManyUploadsException() : new UpstreamBodiesBusyException(upstream),
      );
      return;
    }
    if (outcome === 'acquired') {
      this.onAcquired();
    } else {
      this.state = 'queued';
      this.queuedAt = performance.now();
    }
  }

  onAcquired(): void {
    this.state = 'streaming';
    if (!this.passesExpect) this.exchange.writeContinue();
    this.listener.onReady(this.body);
  }

  /** Releases the share of a streamed body; a queued request has its whole body now. */
  onComplete(): void {
    const { isQueued } = this;
    this.release();
    if (isQueued) this.sendWhole();
  }

  /** Sends a complete body: with its length, or in chunks if trailers follow. */
  private sendWhole(): void {
    this.listener.onReady(this.body.hasTrailers ? this.body : this.body.whole());
  }

  /** Refuses a request that has been queued for too long. */
  tick(now: number): void {
    const { upstream, streamedBodyLimit } = this.options;
    if (!this.isQueued || now - this.queuedAt <= streamedBodyLimit.queueTimeoutMs) return;
    this.listener.onRefused(new UpstreamBodiesBusyException(upstream));
  }

  /** Ends the buffering, and releases the request's share of the upstream's limit. May be called again. */
  release(): void {
    clearTimeout(this.timer);
    if (this.state === 'none') return;
    this.state = 'none';
    this.options.streamedBodyLimit.release(this);
  }
}

/** Shared: a closure for each request would stay in V8's old generation. */
function onBufferingTimeout(buffering: RequestBuffering): void {
  buffering.onBuffered();
}
