import { Attempt, type AttemptListener } from '../attempts/attempt.js';
import type { Attempts } from '../attempts/attempts.js';
import { exceptionFor } from '../attempts/exception-for.js';
import { failureKindOf, isUnavailable } from '../attempts/failure-kind.js';
import type { FailureKind } from '../balancing/instance-health.js';
import type { ProxyException } from '../http/exceptions.js';
import type { ResponseHead } from '../transport/response-head.js';
import { hasClearEvents } from './client-events.js';
import type { ResumableLoop } from './resumable-loop.js';
import { ResumeWaits } from './resume-waits.js';
import { isStaleError, isStaleStatus } from './stale-connection.js';

/**
 * Resumes an event stream that its instance has cut: asks another instance, or the same one once it is back or with
 * affinity, for what follows the last event, with growing waits. The first try that is sent counts as a request of its own,
 * as if the client had come back; each further one as a retry. If the service responds with anything else, or the time is
 * over, the response ends behind its last event, and the client may come back by itself. It hears each try until the
 * response goes on; then the loop does.
 */
export class StreamResume implements AttemptListener {
  /** Present while an instance is asked: then no timer runs. */
  private attempt: Attempt | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** The reason of the interruption. */
  private cut!: ProxyException;
  private readonly waits = new ResumeWaits();
  /** Whether the stream waits for an instance that goes on with it. */
  isActive = false;
  /** At the last interruption; undefined before the first. */
  private lastEventId: string | undefined;

  constructor(
    private readonly loop: ResumableLoop,
    private readonly attempts: Attempts,
  ) {}

  /** @param cut why the last response has ended @param lastEventId behind which the next is to go on */
  begin(cut: ProxyException, lastEventId: string): void {
    const now = performance.now();
    this.cut = cut;
    this.isActive = true;
    // Without a new event, soon after it, the same interruption goes on.
    if (lastEventId !== this.lastEventId || this.waits.isStable(now))
      this.waits.begin(now, this.attempts.isOtherNext(now));
    this.lastEventId = lastEventId;
    this.tryLater();
  }

  /** Ends a try whose instance takes too long. One that waits for a connection waits as long as the interruption may last. */
  tick(now: number): void {
    const { exchange, options } = this.loop.forward;
    const waitsForHead = this.attempt?.stage === 'response_headers';
    if (this.waits.isOver(now)) this.giveUp();
    else if (waitsForHead && now - exchange.sentAt > options.limits.responseHeadersTimeoutMs)
      this.fail('timeout', false);
  }

  /** Ends the tries. */
  stop(): void {
    clearTimeout(this.timer);
    this.attempt?.cancel();
    this.isActive = false;
  }

  onInterim(): void {}

  onHead(head: ResponseHead): void {
    const now = performance.now();
    const isStale = isStaleStatus(head.status, this.loop.forward.exchange);
    if (isStale || isUnavailable(head.status)) {
      this.fail(isStale ? undefined : 'status', isStale);
      return;
    }
    this.attempts.succeeded(now);
    if (!hasClearEvents(head)) {
      this.giveUp();
      return;
    }
    this.waits.succeeded(now);
    this.isActive = false;
    this.loop.attempt = this.attempt!;
    this.loop.attempt.listener = this.loop;
    this.attempt = undefined;
    this.loop.forward.delivery.onResumed();
  }

  onBody(): void {}

  onEnd(): void {}

  onError(error: Error): void {
    const { exchange, options } = this.loop.forward;
    const { stage } = this.attempt!;
    const kind = failureKindOf(exceptionFor(error, options.upstream, stage));
    this.fail(kind, isStaleError(error, stage, exchange));
  }

  private tryLater(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tryNow(false), this.waits.nextMs());
  }

  /** @param isFresh whether to open a new connection, which the stream keeps from requests that meet a dead one */
  private tryNow(isFresh: boolean): void {
    const { loop, attempts, waits } = this;
    const { delivery, exchange } = loop.forward;
    if (delivery.isPaused || !attempts.tryResume(waits.charge, performance.now())) {
      this.tryLater();
      return;
    }
    try {
      const head = loop.formatHead(null, isFresh, this.lastEventId!);
      const request = { head, isHeadRequest: false, body: null };
      this.attempt = new Attempt(exchange, attempts.instance, request, this);
    } catch (error) {
      this.cut = error as ProxyException;
      this.giveUp();
      return;
    }
    this.attempt.start(isFresh);
  }

  /**
   * A try has failed. If its request was not sent, it says nothing of new requests: of many streams that one restart has cut,
   * the tries would open the circuit for all.
   * @param kind undefined if the instance did not cause it
   * @param isStale whether its connection may have been dead already: then another is made at once
   */
  private fail(kind: FailureKind | undefined, isStale: boolean): void {
    const now = performance.now();
    const isSent = this.attempt!.stage !== 'connect' && !isStale;
    this.attempts.tryRetry({ kind, canRetry: false, isStale }, now);
    this.attempts.report(isSent && kind !== undefined ? 'failed' : 'ignored', now);
    this.attempts.end(now);
    this.waits.failed(isSent);
    this.attempt!.cancel();
    this.attempt = undefined;
    if (isStale) this.tryNow(true);
    else this.tryLater();
  }

  private giveUp(): void {
    this.loop.forward.delivery.finishEarly(this.cut);
  }
}
