import { Attempt, type AttemptListener } from '../attempts/attempt.js';
import type { AttemptFailure, Attempts } from '../attempts/attempts.js';
import { exceptionFor, isConnectionLost } from '../attempts/exception-for.js';
import { failureKindOf, isUnavailable } from '../attempts/failure-kind.js';
import type { ProxyException, Stage } from '../http/exceptions.js';
import type { Exchange } from '../http/exchange.js';
import type { ResponseHead } from '../transport/response-head.js';
import type { UpstreamRequest } from '../transport/upstream-call.js';
import { createAttemptFields, formatAttemptHead } from './attempt-head.js';
import type { ForwardOptions } from './forward-options.js';
import type { EventStream } from './event-stream.js';
import type { RequestBody } from './request-body.js';
import { isRetryableRequest } from './retryable-request.js';
import { StreamResume, type ResumableDelivery } from './stream-resume.js';

const REQUEST_TIMEOUT = 408;

/** Passes the response to the client. */
export interface LoopDelivery extends ResumableDelivery {
  onInterim(head: ResponseHead): void;
  /** The head of the response for the client. */
  onResponse(head: ResponseHead): void;
  onBody(bytes: Buffer, isLast: boolean): void;
  onEnd(trailers: readonly string[]): void;
  /** The events of a stream that can be resumed now; undefined if it cannot. */
  readonly resumable: EventStream | undefined;
  /** The response to another attempt goes on with the stream. */
  onResumed(): void;
}

/** The forward whose attempts a loop makes. It gets the outcome: one response, or one failure. */
export interface LoopedForward {
  readonly exchange: Exchange;
  readonly options: ForwardOptions;
  readonly body: RequestBody | null;
  readonly delivery: LoopDelivery;
  fail(exception: ProxyException): void;
  /** The client has another response, and this one is not wanted. */
  abandon(): void;
}

/**
 * Makes the attempts of one exchange, one after the other, until an attempt has a response for the client, or until the retry
 * rule allows no more. If nothing can happen twice, another instance is asked after a failed attempt. After a pooled
 * connection that was already dead, the next attempt takes a fresh connection.
 */
export class AttemptLoop implements AttemptListener {
  /** The last attempt; undefined before the first. */
  attempt: Attempt | undefined;
  /** Whether the request may be sent again after it was written. */
  readonly isRetryable: boolean;
  /** Undefined before the first cut of an event stream. */
  resumption: StreamResume | undefined;

  /** @param target path and query for the service */
  constructor(
    readonly forward: LoopedForward,
    private readonly attempts: Attempts,
    private readonly target: string,
  ) {
    this.isRetryable = isRetryableRequest(forward.exchange.request, forward.options.retriesKeyed);
  }

  get stage(): Stage {
    return this.attempt?.stage ?? 'connect';
  }

  start(body: UpstreamRequest['body']): void {
    try {
      this.attempts.startFirst(performance.now());
    } catch (error) {
      this.forward.fail(error as ProxyException);
      return;
    }
    this.send(body, false);
  }

  /** @param isFresh whether to open a new connection */
  private send(body: UpstreamRequest['body'], isFresh: boolean): void {
    const { forward } = this;
    const { request, response } = forward.exchange;
    const isHeadRequest = request.method === 'HEAD';
    try {
      const head = this.formatHead(body, isFresh || isHeadRequest);
      // A listener of `proxyReq` may have responded.
      if (response.headersSent) {
        forward.abandon();
        return;
      }
      this.attempt = new Attempt(
        forward.exchange,
        this.attempts.instance,
        { head, isHeadRequest, body },
        this,
      );
    } catch (error) {
      forward.fail(error as ProxyException);
      return;
    }
    this.attempt.start(isFresh);
  }

  onInterim(head: ResponseHead): void {
    this.forward.delivery.onInterim(head);
  }

  onHead(head: ResponseHead): void {
    const { status } = head;
    // A 408 for an idle connection, not for this request (RFC 9110, section 15.5.9).
    if (
      status === REQUEST_TIMEOUT &&
      this.isFirstOnReusedConnection &&
      this.tryRetry({ kind: undefined, isStale: true })
    )
      return;
    const isFailed = isUnavailable(status);
    if (isFailed && this.tryRetry({ kind: 'status', isStale: false })) return;
    const { responseAt } = this.forward.exchange;
    if (isFailed) this.attempts.report('failed', responseAt);
    else this.attempts.succeeded(responseAt);
    this.forward.delivery.onResponse(head);
  }

  onBody(bytes: Buffer, isLast: boolean): void {
    this.forward.delivery.onBody(bytes, isLast);
  }

  onEnd(trailers: readonly string[]): void {
    this.forward.delivery.onEnd(trailers);
  }

  onError(error: Error): void {
    const isStale =
      this.stage === 'response_headers' && this.isFirstOnReusedConnection && isConnectionLost(error);
    this.failAttempt(exceptionFor(error, this.forward.options.service, this.stage), isStale);
  }

  private get isFirstOnReusedConnection(): boolean {
    const { reusedConnection, attemptCount } = this.forward.exchange;
    return reusedConnection && attemptCount === 1;
  }

  /** @param isStale whether the connection may have been dead already: then a retry costs no budget */
  failAttempt(exception: ProxyException, isStale: boolean): void {
    const kind = failureKindOf(exception);
    if (kind !== undefined && (this.tryRetry({ kind, isStale }) || this.tryResume(exception))) return;
    this.forward.fail(exception);
  }

  /** Resumes an event stream that its instance has cut. @returns whether it can be resumed */
  private tryResume(exception: ProxyException): boolean {
    const { body, delivery } = this.forward;
    const events = delivery.resumable;
    if (body || !events) return false;
    this.resumption ??= new StreamResume(this, this.attempts);
    this.resumption.begin(exception, events.lastEventId);
    return true;
  }

  /** The head of a request for what follows the last event. @throws ProxyListenerException */
  formatResumption(): string {
    return this.formatHead(null, true, this.forward.delivery.resumable!.lastEventId);
  }

  /** Formats the head of the next attempt, and calls the listeners of `proxyReq`. @throws ProxyListenerException */
  private formatHead(body: UpstreamRequest['body'], closesConnection: boolean, lastEventId?: string): string {
    const { target } = this;
    const { exchange, options } = this.forward;
    const { host } = this.attempts.instance;
    const fields = createAttemptFields(exchange, options, host, lastEventId);
    options.listeners?.onRequest(exchange, target, fields);
    return formatAttemptHead(exchange, options, fields, { target, host, body, closesConnection });
  }

  /** The response to an attempt goes on with the stream. */
  resumed(attempt: Attempt): void {
    this.attempt = attempt;
    this.forward.delivery.onResumed();
  }

  /** Leaves the instance of the present attempt for another, if the retry rule allows it. */
  leaveInstance(): void {
    this.tryRetry({ kind: undefined, isStale: false });
  }

  /** Sends the request again, if the retry rule allows it. @returns whether it is sent */
  private tryRetry({ kind, isStale }: Omit<AttemptFailure, 'canRetry'>): boolean {
    const { attempts, attempt, forward } = this;
    const isBodyThere = !forward.body || forward.body.isUntouched;
    const wasCut = attempt!.hasResponse && kind !== undefined && kind !== 'status';
    const isHarmless = this.stage === 'connect' || this.isRetryable;
    const canRetry = isBodyThere && !wasCut && isHarmless && !forward.exchange.response.headersSent;
    const { instance } = attempts;
    if (!attempts.tryRetry({ kind, canRetry, isStale }, performance.now())) return false;
    attempt!.cancel();
    this.send(attempt!.request.body, attempts.instance === instance);
    return true;
  }
}
