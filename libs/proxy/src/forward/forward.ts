import type { ServerResponse } from 'node:http';
import type { Attempts } from '../attempts/attempts.js';
import { failureKindOf } from '../attempts/failure-kind.js';
import { ClientGoneException, type ProxyException } from '../http/exceptions.js';
import { exchangeOf, type Exchange, type ExchangeForward } from '../http/exchange.js';
import { skipEmptyBody } from '../http/node-internals.js';
import { hasBody } from './announced-body.js';
import { AttemptLoop, type LoopedForward } from './attempt-loop.js';
import type { ForwardOptions } from './forward-options.js';
import { ForwardTimeouts, type TimedForward } from './forward-timeouts.js';
import { RequestBody } from './request-body.js';
import { RequestBuffering, type BufferingListener } from './request-buffering.js';
import { ResponseDelivery, type DeliveredForward } from './response-delivery.js';

/**
 * Carries one exchange to a service and back. Bytes pass as they come, with back-pressure, breaks and timeouts in both
 * directions, and the client gets exactly one response.
 *
 * 1. `RequestBuffering` says when the request can be sent.
 * 2. `AttemptLoop` sends it, again if the retry rule allows it.
 * 3. `ResponseDelivery` passes the response to the client.
 * 4. `fail`: any failure is an exception for the client, or, after the first byte of the response, a broken connection.
 */
export class Forward
  implements ExchangeForward, BufferingListener, LoopedForward, DeliveredForward, TimedForward
{
  readonly body: RequestBody | null;
  readonly buffering: RequestBuffering | null;
  readonly loop: AttemptLoop;
  readonly delivery: ResponseDelivery;
  readonly timeouts: ForwardTimeouts;
  private isSettled = false;

  /**
   * Begins to watch the client.
   * @param target path and query for the service
   * @param refuse called with the exception if no byte has gone to the client
   */
  constructor(
    readonly exchange: Exchange,
    readonly options: ForwardOptions,
    private readonly attempts: Attempts,
    target: string,
    private readonly refuse: (exception: ProxyException) => void,
  ) {
    const { request, response, mountedUpstream } = exchange;
    this.body = hasBody(request) ? this.createBody() : null;
    this.buffering = this.body && new RequestBuffering(exchange, this.body, options, this);
    this.loop = new AttemptLoop(this, attempts, target);
    this.delivery = new ResponseDelivery(this);
    this.timeouts = new ForwardTimeouts(this);
    if (!this.body && mountedUpstream === undefined) skipEmptyBody(request);
    exchange.forward = this;
    // First, so that the failure is set when the listener that logs the exchange runs.
    response.prependListener('close', onResponseClose);
    options.ticker.add(this.timeouts);
  }

  private createBody(): RequestBody {
    const { bodyLimitBytes, minimumRate } = this.options.limits;
    return new RequestBody(this.exchange, bodyLimitBytes, minimumRate, (exception) => this.fail(exception));
  }

  start(): void {
    if (this.isSettled) return;
    if (this.buffering) this.buffering.start(this.loop.isRetryable);
    else this.loop.start(null);
  }

  onReady(body: RequestBody | Buffer): void {
    this.loop.start(body);
  }

  onRefused(exception: ProxyException): void {
    this.fail(exception);
  }

  get isStream(): boolean {
    return this.delivery.client.isStream;
  }

  /** The client has read what it was sent. */
  resume(): void {
    this.delivery.resume();
  }

  /** See `Exchange.endEarly`. */
  endEarly(exception: ProxyException, retryMs?: number): void {
    if (!this.isSettled) this.delivery.endEarly(exception, retryMs);
  }

  /** Called when the client's connection is closed, and after every complete response. */
  clientClosed(): void {
    if (this.isSettled) return;
    // A listener or a controller has responded in place of the service.
    if (this.exchange.response.writableFinished) this.abandon();
    else this.fail(new ClientGoneException(this.loop.stage));
  }

  /** Ends the exchange with an exception for the client. If the response has begun, it is broken off. */
  fail(exception: ProxyException): void {
    if (this.isSettled) return;
    const { exchange, delivery } = this;
    const now = performance.now();
    this.attempts.report(failureKindOf(exception) === undefined ? 'ignored' : 'failed', now);
    this.settle(now);
    exchange.failure = exception;
    this.loop.attempt?.cancel();
    if (exception instanceof ClientGoneException) return;
    if (exchange.response.headersSent && !delivery.client.takeBack()) {
      delivery.client.breakOff();
      return;
    }
    delivery.showAttempts();
    if (this.options.listeners?.onError(exchange, exception)) return;
    this.refuse(exception);
  }

  /** Ends the exchange without a word to the client, which has another response. */
  abandon(): void {
    this.settle();
    this.loop.attempt?.cancel();
  }

  /** Releases all that the exchange occupies. */
  settle(now = performance.now()): void {
    this.isSettled = true;
    this.attempts.end(now);
    // After the end of the attempt, so that there is room for the next request.
    this.buffering?.release();
    this.loop.resumption?.stop();
    this.delivery.backPressure?.release();
    this.body?.destroy();
    this.options.ticker.delete(this.timeouts);
  }
}

/** Shared: a closure for each request would stay in V8's old generation. */
function onResponseClose(this: ServerResponse): void {
  exchangeOf(this.req)!.forward!.clientClosed();
}
