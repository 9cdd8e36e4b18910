import { ClientStalledException, UpstreamTimeoutException, type ProxyException } from '../http/exceptions.js';
import type { Exchange } from '../http/exchange.js';
import type { Ticking } from '../http/ticker.js';
import type { AttemptLoop } from './attempt-loop.js';
import type { ForwardOptions } from './forward-options.js';
import type { RequestBody } from './request-body.js';
import type { RequestBuffering } from './request-buffering.js';
import type { ResponseDelivery } from './response-delivery.js';

/** Milliseconds without a response after which a request leaves an instance that was ejected meanwhile. */
const EJECTED_INSTANCE_TIMEOUT_MS = 1_000;

/**
 * Milliseconds without progress after which the client of a paused response is a slow reader. The kernel takes more only when
 * a third of its buffer is free: a client that reads steadily at 256 KB/s may need 6 s for it.
 */
const SLOW_READER_MS = 10_000;

/** The parts of a forward that its timeouts watch and end. */
export interface TimedForward {
  readonly exchange: Exchange;
  readonly options: ForwardOptions;
  readonly body: RequestBody | null;
  readonly buffering: RequestBuffering | null;
  readonly loop: AttemptLoop;
  readonly delivery: Pick<ResponseDelivery, 'backPressure' | 'heartbeat'>;
  readonly isStream: boolean;
  fail(exception: ProxyException): void;
}

/** The timeouts of one exchange, checked at each tick. A timeout may be late by one tick, and is never early. */
export class ForwardTimeouts implements Ticking {
  /** See `DenseMember`. */
  slot = -1;
  private hasProgressed = false;
  private bytesAtLastTick = 0;
  private progressAt: number;

  constructor(private readonly forward: TimedForward) {
    this.progressAt = forward.exchange.startedAt;
  }

  /** The response has begun, or bytes of it have passed. */
  progressed(): void {
    this.hasProgressed = true;
  }

  tick(now: number, elapsedMs: number): void {
    const { buffering, body, exchange, loop, delivery } = this.forward;
    const { stage, isRetryable, resumption } = loop;
    delivery.heartbeat?.tick(now);
    // In the order of an exchange: its body waits for its turn, the response passes, the service is waited for, ...
    if (resumption?.isActive) resumption.tick(now);
    else if (buffering?.isQueued) buffering.tick(now);
    else if (stage === 'response_body') this.tickResponse(now, elapsedMs);
    else if (!body || body.isComplete || (stage === 'connect' && !isRetryable)) this.tickResponseHeaders(now);
    else if (stage === 'request_body' && exchange.waitsForContinue) this.tickExpectation(now);
    else this.tickUpload(now, elapsedMs, body);
  }

  private tickResponseHeaders(now: number): void {
    const { forward } = this;
    const { exchange, options, loop } = forward;
    const { attempt } = loop;
    const { requestTimeoutMs, responseHeadersTimeoutMs } = options.limits;
    const since = forward.body ? this.progressAt : exchange.startedAt;
    if (now - since > requestTimeoutMs) {
      forward.fail(this.createTimeout('request timeout'));
    } else if (attempt?.stage === 'response_headers') {
      const waitedMs = now - exchange.sentAt;
      if (waitedMs > responseHeadersTimeoutMs) {
        loop.failAttempt(this.createTimeout('response headers timeout'), false);
      } else if (
        waitedMs > EJECTED_INSTANCE_TIMEOUT_MS &&
        !attempt.hasResponse &&
        !attempt.instance.health.isUp
      ) {
        loop.leaveInstance();
      }
    }
  }

  /** The service is to say whether the client may send its body. */
  private tickExpectation(now: number): void {
    const { exchange, options } = this.forward;
    if (now - exchange.connectedAt > options.limits.responseHeadersTimeoutMs)
      this.forward.loop.failAttempt(this.createTimeout('response headers timeout'), false);
  }

  /** The request timeout begins with the end of the body. Until then the client must send, and the service must read. */
  private tickUpload(now: number, elapsedMs: number, body: RequestBody): void {
    const { exchange, options } = this.forward;
    if (exchange.requestBytes !== this.bytesAtLastTick) {
      this.bytesAtLastTick = exchange.requestBytes;
      this.progressAt = now;
    } else if (body.isPaused && now - this.progressAt > options.limits.streamIdleTimeoutMs) {
      this.forward.fail(this.createTimeout('request body not taken'));
      return;
    }
    body.tick(elapsedMs);
  }

  private tickResponse(now: number, elapsedMs: number): void {
    const { forward } = this;
    const { body, exchange, isStream } = forward;
    const { backPressure } = forward.delivery;
    const waitsForClient = backPressure?.isPaused ?? false;
    // A service may respond early and read on; then both bodies are in progress.
    if (body && !body.isComplete) {
      // A client that sends and does not read makes no progress with its response.
      const hasSent = exchange.requestBytes !== this.bytesAtLastTick;
      if (hasSent && !waitsForClient) this.hasProgressed = true;
      this.bytesAtLastTick = exchange.requestBytes;
      if (!isStream) body.tick(elapsedMs);
    }
    if (this.hasProgressed) {
      this.hasProgressed = false;
      this.progressAt = now;
    } else if (now - this.progressAt > this.idleLimitMs) {
      forward.fail(waitsForClient ? new ClientStalledException() : this.createTimeout('response body idle'));
    } else if (waitsForClient && now - this.progressAt > SLOW_READER_MS) {
      backPressure!.countAsSlowReader();
    }
  }

  private get idleLimitMs(): number {
    const { streamIdleTimeoutMs, eventStreamIdleTimeoutMs } = this.forward.options.limits;
    return this.forward.isStream ? eventStreamIdleTimeoutMs : streamIdleTimeoutMs;
  }

  private createTimeout(reason: string): UpstreamTimeoutException {
    const { options, loop } = this.forward;
    return new UpstreamTimeoutException(options.upstream, loop.stage, new Error(reason));
  }
}
