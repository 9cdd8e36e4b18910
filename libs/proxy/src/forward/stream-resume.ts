import { Attempt, type AttemptListener } from '../attempts/attempt.js';
import type { Attempts } from '../attempts/attempts.js';
import { exceptionFor } from '../attempts/exception-for.js';
import { failureKindOf, isUnavailable } from '../attempts/failure-kind.js';
import type { FailureKind } from '../balancing/instance-health.js';
import { responseHeadersFor } from '../headers/response-headers.js';
import { UpstreamTimeoutException, type ProxyException } from '../http/exceptions.js';
import type { Exchange } from '../http/exchange.js';
import { randomFraction } from '../http/random.js';
import type { ResponseHead } from '../transport/response-head.js';
import type { ForwardOptions } from './forward-options.js';

/** Longest time in milliseconds from a cut to a response that goes on. */
const LONGEST_MS = 30_000;

/** Wait in milliseconds before the second try; doubles with each. */
const FIRST_WAIT_MS = 100;

/** Longest wait before a try, in milliseconds. */
const LONGEST_WAIT_MS = 2_000;

/** How long a resumed stream must last before its service counts as back, in milliseconds. */
const STABLE_MS = 5_000;

const OK = 200;

/** Passes the response to the client. */
export interface ResumableDelivery {
  /** Whether the client has not read what it has got. */
  readonly isPaused: boolean;
  /** Ends the response normally: all of its events are complete. */
  finishEarly(exception: ProxyException): void;
}

/** The loop whose last attempt was cut. */
export interface ResumableLoop extends AttemptListener {
  readonly forward: {
    readonly exchange: Exchange;
    readonly options: ForwardOptions;
    readonly delivery: ResumableDelivery;
  };
  /** The head of a request for what follows the last event. @throws ProxyListenerException */
  formatResumption(): string;
  /** The response to an attempt goes on with the stream. */
  resumed(attempt: Attempt): void;
}

/**
 * Resumes an event stream that its instance has cut: asks another instance, or the same one once it is back, for what follows the
 * last event, with growing waits. The first try behind an event counts as a request of its own, as if the client had come back;
 * each further one as a retry. If the service responds with anything else, or the time is over, the response ends behind its last event, and the
 * client may come back by itself.
 */
export class StreamResume implements AttemptListener {
  /** Present while an instance is asked. */
  private attempt: Attempt | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** The reason of the interruption. */
  private cut!: ProxyException;
  /** Of the interruption: its deadline, the wait before its next try, and whether the next try is not its first. */
  private interruption = { until: 0, waitMs: 0, isRetry: false };
  /** From when on the service counts as back, in milliseconds of `performance.now()`. */
  private stableAt = -Infinity;
  private isInterrupted = false;
  /** At the last interruption; undefined before the first. */
  private lastEventId: string | undefined;

  constructor(
    private readonly loop: ResumableLoop,
    private readonly attempts: Attempts,
  ) {}

  /** Whether the stream waits for an instance that goes on with it. */
  get isActive(): boolean {
    return this.isInterrupted;
  }

  /** @param cut why the last response has ended @param lastEventId behind which the next is to go on */
  begin(cut: ProxyException, lastEventId: string): void {
    const now = performance.now();
    this.cut = cut;
    this.isInterrupted = true;
    // Without a new event the same interruption goes on. A service that does not stay is asked ever later.
    if (lastEventId !== this.lastEventId) {
      const waitMs = now > this.stableAt ? 0 : this.interruption.waitMs;
      this.interruption = { until: now + LONGEST_MS, waitMs, isRetry: false };
    }
    this.lastEventId = lastEventId;
    this.tryLater();
  }

  /** Ends a try that takes too long. */
  tick(now: number): void {
    const { responseHeadersTimeoutMs } = this.loop.forward.options.limits;
    if (now >= this.interruption.until) {
      this.giveUp();
    } else if (this.attempt && now - this.loop.forward.exchange.attemptedAt > responseHeadersTimeoutMs) {
      const { stage } = this.attempt;
      const cause = new Error('response headers timeout');
      this.onError(new UpstreamTimeoutException(this.loop.forward.options.service, stage, cause));
    }
  }

  /** Ends the tries. */
  stop(): void {
    clearTimeout(this.timer);
    if (this.isInterrupted) this.attempt?.cancel();
    this.isInterrupted = false;
  }

  onInterim(): void {}

  onHead(head: ResponseHead): void {
    const now = performance.now();
    if (isUnavailable(head.status)) {
      this.fail('status');
      return;
    }
    this.attempts.succeeded(now);
    if (!goesOn(head)) {
      this.giveUp();
      return;
    }
    this.stableAt = now + STABLE_MS;
    this.isInterrupted = false;
    this.loop.resumed(this.attempt!);
  }

  onBody(bytes: Buffer, isLast: boolean): void {
    this.loop.onBody(bytes, isLast);
  }

  onEnd(trailers: readonly string[]): void {
    this.loop.onEnd(trailers);
  }

  onError(error: Error): void {
    if (!this.isInterrupted) {
      this.loop.onError(error);
      return;
    }
    const { service } = this.loop.forward.options;
    this.fail(failureKindOf(exceptionFor(error, service, this.attempt!.stage)));
  }

  private tryLater(): void {
    const { interruption } = this;
    // At random, so that not all streams of an instance come to another at once.
    const waitMs = interruption.waitMs * (0.5 + randomFraction() / 2);
    interruption.waitMs = Math.min(Math.max(FIRST_WAIT_MS, interruption.waitMs * 2), LONGEST_WAIT_MS);
    this.timer = setTimeout(() => this.tryNow(), waitMs);
  }

  private tryNow(): void {
    const { loop, attempts, interruption } = this;
    const { delivery, exchange } = loop.forward;
    if (delivery.isPaused || !attempts.tryResume(interruption.isRetry, performance.now())) {
      this.tryLater();
      return;
    }
    interruption.isRetry = true;
    try {
      const request = { head: loop.formatResumption(), isHeadRequest: false, body: null };
      this.attempt = new Attempt(exchange, attempts.instance, request, this);
    } catch (error) {
      this.cut = error as ProxyException;
      this.giveUp();
      return;
    }
    this.attempt.start(true);
  }

  /** A try has failed. @param kind undefined if the instance did not cause it */
  private fail(kind: FailureKind | undefined): void {
    const now = performance.now();
    this.attempts.tryRetry({ kind, canRetry: false, isStale: false }, now);
    this.attempts.report(kind === undefined ? 'ignored' : 'failed', now);
    this.attempts.end(now);
    this.attempt!.cancel();
    this.attempt = undefined;
    this.tryLater();
  }

  private giveUp(): void {
    this.loop.forward.delivery.finishEarly(this.cut);
  }
}

/** Whether a response can go on with an event stream: one of the same kind, whose events can be told apart. */
function goesOn({ status, headers, contentLength }: ResponseHead): boolean {
  if (status !== OK || contentLength !== -1) return false;
  const { isEventStream, isEncoded } = responseHeadersFor(headers, [], status, true);
  return isEventStream && !isEncoded;
}
