import { Attempt, type AttemptListener } from '../attempts/attempt.js';
import type { AttemptFailure, Attempts } from '../attempts/attempts.js';
import { exceptionFor } from '../attempts/exception-for.js';
import { failureKindOf, isUnavailable } from '../attempts/failure-kind.js';
import type { ProxyException, Stage } from '../http/exceptions.js';
import type { ResponseHead } from '../transport/response-head.js';
import type { UpstreamRequest } from '../transport/upstream-call.js';
import { createAttemptFields, formatAttemptHead } from './attempt-head.js';
import type { RequestBody } from './request-body.js';
import type { DeliveredForward, ResponseDelivery } from './response-delivery.js';
import { isRetryableRequest } from './retryable-request.js';
import { isStaleError, isStaleStatus } from './stale-connection.js';
import { StreamResume } from './stream-resume.js';

/** The forward whose attempts a loop makes. It gets the outcome: one response, or one failure. */
export interface LoopedForward extends Pick<DeliveredForward, 'exchange' | 'options' | 'fail' | 'abandon'> {
  readonly body: RequestBody | null;
  readonly delivery: ResponseDelivery;
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
      const upstreamRequest = { head, isHeadRequest, body };
      this.attempt = new Attempt(forward.exchange, this.attempts.instance, upstreamRequest, this);
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
    const isStale = this.isFirst && isStaleStatus(head.status, this.forward.exchange);
    if (isStale && this.tryRetry({ kind: undefined, isStale })) return;
    const isFailed = isUnavailable(head.status);
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
    const { exchange, options } = this.forward;
    const isStale = this.isFirst && isStaleError(error, this.stage, exchange);
    this.failAttempt(exceptionFor(error, options.upstream, this.stage), isStale);
  }

  private get isFirst(): boolean {
    return this.forward.exchange.attemptCount === 1;
  }

  /** @param isStale whether the connection may have been dead already: then a retry costs no budget */
  failAttempt(exception: ProxyException, isStale: boolean): void {
    const kind = failureKindOf(exception);
    if (kind !== undefined && (this.tryRetry({ kind, isStale }) || this.tryResume(exception))) return;
    this.forward.fail(exception);
  }

  /** Resumes an event stream that its instance has cut. @returns whether it can be resumed */
  private tryResume(exception: ProxyException): boolean {
    const { resumable } = this.forward.delivery;
    if (this.forward.body || !resumable) return false;
    this.resumption ??= new StreamResume(this, this.attempts);
    this.resumption.begin(exception, resumable.lastEventId);
    return true;
  }

  /** Formats the head of the next attempt, and calls the listeners of `proxyReq`. @throws ProxyListenerException */
  formatHead(body: UpstreamRequest['body'], closesConnection: boolean, lastEventId?: string): string {
    const { target } = this;
    const { exchange, options } = this.forward;
    const { host } = this.attempts.instance;
    const fields = createAttemptFields(exchange, options, host, lastEventId);
    options.listeners?.onRequest(exchange, target, fields);
    return formatAttemptHead(exchange, options, fields, { target, host, body, closesConnection });
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
