import type { IncomingMessage, ServerResponse } from 'node:http';
import { Attempt, type AttemptListener } from '../attempts/attempt.js';
import type { Attempts } from '../attempts/attempts.js';
import { exceptionFor, isConnectionLost } from '../attempts/failure.js';
import { failureKindOf, isUnavailable } from '../balancing/failure-kind.js';
import type { FailureKind } from '../balancing/instance-health.js';
import { networkOf } from '../http/client-network.js';
import {
  ClientGoneException,
  ClientStalledException,
  type ProxyException,
  type Stage,
} from '../http/exceptions.js';
import { exchangeOf, type Exchange, type ExchangeForward } from '../http/exchange.js';
import { skipEmptyBody } from '../http/node-internals.js';
import type { ResponseHead } from '../transport/response-head.js';
import type { UpstreamRequest } from '../transport/upstream-call.js';
import { hasBody } from './announced-body.js';
import { ClientResponse } from './client-response.js';
import type { ForwardOptions } from './forward-options.js';
import { ForwardTimeouts, type TimedForward } from './forward-timeouts.js';
import { formatHead, mayBeRepeated } from './outgoing-request.js';
import { RequestBody } from './request-body.js';
import { RequestBuffering, type BufferingListener } from './request-buffering.js';
import type { SlowReader } from './slow-reader-limit.js';

const CONTINUE = 100;
const EARLY_HINTS = 103;
const REQUEST_TIMEOUT = 408;

/**
 * Carries one exchange to a service and back. Bytes pass as they come, with back-pressure, breaks and timeouts in both
 * directions, and the client gets exactly one response.
 *
 * 1. `start`: `RequestBuffering` says when the request can be sent. Then an `Attempt` sends it.
 * 2. `tryRetry`: if nothing can happen twice, another attempt follows a failed one, at another instance. After a pooled
 *    connection that was already dead, it takes a fresh connection.
 * 3. `onHead`: the head goes to the client at once, early hints before it.
 * 4. `onBody`: chunks pass; if the client does not read, the service is paused.
 * 5. `onEnd` or `fail`: the end, or an exception, or, after the first byte of the response, a broken connection.
 */
export class Forward
  implements ExchangeForward, AttemptListener, BufferingListener, TimedForward, SlowReader
{
  readonly body: RequestBody | null;
  readonly buffering: RequestBuffering | null;
  readonly isRepeatable: boolean;
  attempt: Attempt | undefined;
  waitsForClient = false;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly clientResponse: ClientResponse;
  private readonly timeouts: ForwardTimeouts;
  private isSettled = false;

  /** Begins to watch the client. */
  constructor(
    readonly exchange: Exchange,
    readonly options: ForwardOptions,
    private readonly attempts: Attempts,
    /** Path and query for the service. */
    private readonly target: string,
    /** Called with the exception if no byte has gone to the client. */
    private readonly refuse: (exception: ProxyException) => void,
  ) {
    this.request = exchange.request;
    this.response = exchange.response;
    this.clientResponse = new ClientResponse(exchange);
    this.timeouts = new ForwardTimeouts(this);
    this.body = hasBody(this.request)
      ? new RequestBody(exchange, options.limits.bodyLimitBytes, options.limits.minimumRate, (exception) => {
          this.cut(exception);
        })
      : null;
    this.buffering = this.body && new RequestBuffering(exchange, this.body, options, this);
    if (!this.body && exchange.mountedUpstream === undefined) skipEmptyBody(this.request);
    this.isRepeatable = mayBeRepeated(this.request, options.repeatsKeyed);
    exchange.forward = this;
    // First, so that the failure is set when the listener that logs the exchange runs.
    this.response.prependListener('close', onResponseClose);
    options.ticker.add(this.timeouts);
  }

  // :: Step 1
  start(): void {
    if (this.isSettled) return;
    if (this.buffering) this.buffering.start(this.isRepeatable);
    else this.send(null);
  }

  onReady(body: RequestBody | Buffer): void {
    this.send(body);
  }

  onRefused(exception: ProxyException): void {
    this.fail(exception);
  }

  private send(body: RequestBody | Buffer | null): void {
    try {
      this.attempts.startFirst(performance.now());
    } catch (error) {
      this.fail(error as ProxyException);
      return;
    }
    this.startAttempt(body, false);
  }

  /** @param isFresh whether to open a new connection */
  private startAttempt(body: UpstreamRequest['body'], isFresh: boolean): void {
    const isHead = this.request.method === 'HEAD';
    try {
      const { host } = this.attempts.instance;
      const head = formatHead(this, { target: this.target, host, body, isLast: isFresh || isHead });
      if (this.response.headersSent) {
        this.abandon();
        return;
      }
      this.attempt = new Attempt(this.exchange, this.attempts.instance, { head, isHead, body }, this);
    } catch (error) {
      this.fail(error as ProxyException);
      return;
    }
    this.attempt.start(isFresh);
  }

  onInterim({ status, headers }: ResponseHead): void {
    if (status === EARLY_HINTS) this.clientResponse.writeEarlyHints(headers);
    else if (status === CONTINUE && this.options.passesExpect) this.exchange.writeContinue();
  }

  // :: Step 3
  onHead(head: ResponseHead): void {
    const { exchange, attempts } = this;
    const { status } = head;
    // A 408 for an idle connection, not for this request (RFC 9110, section 15.5.9).
    if (status === REQUEST_TIMEOUT && this.isFirstOfReused && this.tryRetry(undefined, true)) return;
    if (isUnavailable(status)) {
      if (this.tryRetry('status', false)) return;
      attempts.report('failed', performance.now());
    } else {
      attempts.succeeded(performance.now());
    }
    exchange.responseAt = performance.now();
    this.attempt!.stage = 'response_body';
    this.timeouts.progressed();
    this.showAttempts();
    for (const gate of this.options.observers) gate.onResponse!(exchange, status);
    try {
      const changed = this.options.listeners?.onResponse(exchange, head) ?? head;
      if (this.response.headersSent) this.abandon();
      else this.clientResponse.begin(changed);
    } catch (error) {
      this.fail(exceptionFor(error as Error, this.options.service, 'response_headers'));
    }
  }

  // :: Step 4
  onBody(bytes: Buffer, isLast: boolean): void {
    const { clientResponse } = this;
    if (this.response.writableEnded) {
      this.abandon();
      return;
    }
    this.exchange.responseBytes += bytes.length;
    this.timeouts.progressed();
    const reason = clientResponse.passEvents(bytes);
    if (reason) this.finishEarly(reason);
    // `onEnd` is next.
    else if (isLast) clientResponse.endWith(bytes);
    else if (!clientResponse.write(bytes)) {
      this.waitsForClient = true;
      this.attempt!.pause();
      this.response.once('drain', onResponseDrain);
    }
  }

  // :: Step 5
  onEnd(trailers: readonly string[]): void {
    this.settle(performance.now());
    this.clientResponse.end(trailers);
  }

  onError(error: Error): void {
    const isStale = this.stage === 'response_headers' && this.isFirstOfReused && isConnectionLost(error);
    this.failAttempt(exceptionFor(error, this.options.service, this.stage), isStale);
  }

  get isEventStream(): boolean {
    return this.clientResponse.isEventStream;
  }

  /** See `Exchange.end`. */
  endEarly(exception: ProxyException): void {
    if (this.isSettled) return;
    if (!this.clientResponse.hasEvents) this.fail(exception);
    else if (this.clientResponse.endBehindEvent(exception)) this.finishEarly(exception);
  }

  /** See `Exchange.cut`. */
  cut(exception: ProxyException): void {
    if (!this.isSettled) this.fail(exception);
  }

  /** Ends the response normally: all of its events are complete. */
  private finishEarly(exception: ProxyException): void {
    this.settle(performance.now());
    this.exchange.failure = exception;
    this.attempt!.cancel();
    this.response.end();
  }

  private get stage(): Stage {
    return this.attempt?.stage ?? 'connect';
  }

  private get isFirstOfReused(): boolean {
    return this.exchange.reusedConnection && this.exchange.attempts === 1;
  }

  /** @param isStale whether the connection may have been dead already: then a retry costs no budget */
  failAttempt(exception: ProxyException, isStale: boolean): void {
    const kind = failureKindOf(exception);
    if (kind !== undefined && this.tryRetry(kind, isStale)) return;
    this.fail(exception);
  }

  leaveInstance(): void {
    this.tryRetry(undefined, false);
  }

  get network(): string {
    return networkOf(this.exchange.clientAddress);
  }

  countAsSlowReader(): void {
    this.options.slowReaderLimit.add(this);
  }

  cutSlowReader(): void {
    // Without a stack trace: strangers choose how many of them there are.
    this.fail(
      new ClientStalledException({
        message: `cut: requests wait for a connection to ${this.options.service}`,
      }),
    );
  }

  /** Called when the client's connection is closed, and after every complete response. */
  clientClosed(): void {
    if (this.isSettled) return;
    // A listener or a controller has responded in place of the service.
    if (this.response.writableFinished) this.abandon();
    else this.fail(new ClientGoneException(this.stage));
  }

  resume(): void {
    this.timeouts.progressed();
    this.waitsForClient = false;
    this.options.slowReaderLimit.delete(this);
    this.attempt?.resume();
  }

  // :: Step 2
  /** Sends the request again, if the retry rule allows it. Parameters as in `AttemptFailure` @returns whether it is sent */
  private tryRetry(kind: FailureKind | undefined, isStale: boolean): boolean {
    const { attempts, attempt, body } = this;
    const isBodyThere = !body || body.isUntouched;
    const wasCut = attempt!.hasResponse && kind !== undefined && kind !== 'status';
    const mayBeSent =
      isBodyThere && !wasCut && !this.response.headersSent && (this.stage === 'connect' || this.isRepeatable);
    const { instance } = attempts;
    if (!attempts.tryRetry({ kind, mayBeSent, isStale }, performance.now())) return false;
    attempt!.cancel();
    this.startAttempt(attempt!.request.body, attempts.instance === instance);
    return true;
  }

  private showAttempts(): void {
    const { exchange, options } = this;
    if (options.showsAttempts) exchange.responseHeaders.push('X-Gateway-Attempts', String(exchange.attempts));
  }

  fail(exception: ProxyException): void {
    const now = performance.now();
    this.attempts.report(failureKindOf(exception) === undefined ? 'ignored' : 'failed', now);
    this.settle(now);
    this.exchange.failure = exception;
    this.attempt?.cancel();
    if (exception instanceof ClientGoneException) return;
    if (this.response.headersSent) {
      this.clientResponse.breakOff();
      return;
    }
    this.showAttempts();
    if (this.options.listeners?.onError(this.exchange, exception)) return;
    this.refuse(exception);
  }

  /** Ends the exchange without a word to the client, which has another response. */
  private abandon(): void {
    this.settle(performance.now());
    this.attempt?.cancel();
  }

  private settle(now: number): void {
    this.isSettled = true;
    this.attempts.end(now);
    // After the end of the attempt, so that there is room for the next request.
    this.buffering?.release();
    if (this.waitsForClient) this.options.slowReaderLimit.delete(this);
    this.body?.destroy();
    this.options.ticker.delete(this.timeouts);
  }
}

/* Shared listeners, which find the forward by the exchange: a closure for each request would stay in V8's old generation. */

function onResponseClose(this: ServerResponse): void {
  exchangeOf(this.req)!.forward!.clientClosed();
}

function onResponseDrain(this: ServerResponse): void {
  exchangeOf(this.req)!.forward!.resume();
}
