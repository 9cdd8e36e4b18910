import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { networkOf } from '../http/client-network.js';
import {
  ClientGoneException,
  ClientStalledException,
  UpstreamInvalidResponseException,
  UpstreamTimeoutException,
  type ProxyException,
  type Stage,
} from '../http/exceptions.js';
import { exchangeOf, type Exchange, type ExchangeForward } from '../http/exchange.js';
import { forwardedHeadersOf } from '../headers/request-headers.js';
import { responseHeadersFor, responseTrailersFor, sayUnbuffered } from '../headers/response-headers.js';
import { failureKindOf, isUnavailable } from '../balancing/failure-kind.js';
import { ReadBuffer } from '../transport/read-buffer.js';
import type { InstanceRequest } from '../balancing/instance.js';
import type { ResponseFraming } from '../transport/response-bounds.js';
import type { ConnectionState, ResponseController, ResponseHandler } from '../transport/watched-client.js';
import type { Ticking } from '../http/ticker.js';
import type { Attempts } from '../attempts/attempts.js';
import { EventBoundary } from './event-boundary.js';
import { exceptionFor, isConnectionLost } from '../attempts/failure.js';
import type { ForwardOptions } from './forward-options.js';
import { BUFFERED_BODY_BYTES, hasBody, RequestBody } from './request-body.js';
import { RequestBuffering, type BufferingListener } from './request-buffering.js';
import type { SlowReader } from './slow-reader-limit.js';

/** Safe methods (RFC 9110, section 9.2.1), which alone may always be sent again. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Milliseconds without a response after which a request leaves an instance that was ejected meanwhile. */
const EJECTED_INSTANCE_TIMEOUT_MS = 1_000;

/**
 * Bytes for a client, not yet taken by the kernel, at which the service is paused. The result of `write()` alone is no
 * measure: it is false for each chunk of 64 KiB, though the kernel has most of them when it returns.
 */
const HIGH_WATER_MARK_BYTES = 64 * 1024;

/**
 * Milliseconds without progress after which the client of a paused response is a slow reader. The kernel takes more only when
 * a third of its buffer is free: a client that reads steadily at 256 KB/s may need 6 s for it.
 */
const SLOW_READER_MS = 10_000;

const REQUEST_TIMEOUT = 408;

const EMPTY = Buffer.alloc(0);

/** The framing before the response's head. */
const UNFRAMED: ResponseFraming = { contentLength: -1, isChunked: false, mayHaveBody: true };

/**
 * Carries one exchange to a service and back. Bytes pass as they come, with back-pressure, breaks and timeouts in both
 * directions, and the client gets exactly one response.
 *
 * 1. `start`: `RequestBuffering` says when the request can be sent. Then headers and body go to a pooled connection.
 * 2. `retry`: if nothing can happen twice, another instance gets the request. After a pooled connection that was already
 *    dead, a fresh connection gets it, once.
 * 3. `onResponseStart`: the head goes out at once, early hints before it.
 * 4. `onResponseData`: chunks pass; if the client does not read, the service is paused.
 * 5. `onResponseEnd` or `fail`: the end, or an exception, or, after the first byte of the response, a broken connection.
 */
export class Forward implements ExchangeForward, ResponseHandler, BufferingListener, Ticking, SlowReader {
  /** See `DenseMember`. */
  slot = -1;
  connection: ConnectionState | undefined;

  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly body: RequestBody | null;
  private readonly buffering: RequestBuffering | null;
  /** Whether the request may be sent again after it was written. Its body must be whole for that. */
  private readonly isRepeatable: boolean;
  private outgoing!: InstanceRequest;
  /** The large read that is parsed at present. */
  private read: ReadBuffer | undefined;
  private controller: ResponseController | undefined;

  private stage: Stage = 'connect';
  private settled = false;
  private framing = UNFRAMED;
  private idleLimitMs: number;
  /** Whether a byte of the present attempt's response came. */
  private hasResponse = false;
  /** Finds events in an event stream; undefined if the body is encoded or has a length. */
  private events: EventBoundary | undefined;
  isEventStream = false;
  /** The reason if the response is to end behind the event in progress. */
  private endsBehindEvent: ProxyException | undefined;
  private hasProgressed = false;
  private waitsForClient = false;
  private bytesAtLastTick = 0;
  private progressAt: number;

  /** Begins to watch the client. */
  constructor(
    private readonly exchange: Exchange,
    private readonly options: ForwardOptions,
    private readonly attempts: Attempts,
    /** Path and query for the service. */
    private readonly target: string,
    /** Called with the exception if no byte has gone to the client. */
    private readonly refuse: (exception: ProxyException) => void,
  ) {
    this.request = exchange.request;
    this.response = exchange.response;
    this.idleLimitMs = options.limits.streamIdleTimeoutMs;
    this.progressAt = exchange.startedAt;
    this.body = hasBody(this.request)
      ? new RequestBody(exchange, options.limits.bodyLimitBytes, options.limits.minimumRate, (exception) => {
          if (!this.settled) this.fail(exception);
        })
      : null;
    this.buffering = this.body && new RequestBuffering(exchange, this.body, options, this);
    this.isRepeatable = this.body
      ? options.repeatsKeyed && isSmallAndKeyed(this.request)
      : SAFE_METHODS.has(this.request.method!);
    exchange.forward = this;
    // First, so that the failure is set when the listener that logs the exchange runs.
    this.response.prependListener('close', onResponseClose);
    options.ticker.add(this);
  }

  // :: Step 1
  start(): void {
    if (this.settled) return;
    const { exchange, request } = this;
    this.outgoing = {
      method: request.method!,
      path: this.target,
      headers: forwardedHeadersOf(exchange),
      body: this.body,
    };
    if (this.buffering) this.buffering.start(this.isRepeatable);
    else this.dispatchFirst();
  }

  onReady(body: RequestBody | Buffer): void {
    if (body !== this.body) this.outgoing = { ...this.outgoing, body };
    this.dispatchFirst();
  }

  onRefused(exception: ProxyException): void {
    this.fail(exception);
  }

  /** Whether the body can be sent from its start. */
  private get isBodyThere(): boolean {
    return !this.body || this.body.isUntouched;
  }

  private dispatchFirst(): void {
    try {
      this.attempts.startFirst(performance.now());
    } catch (error) {
      this.fail(error as ProxyException);
      return;
    }
    this.dispatch(false);
  }

  /** @param isFresh whether to open a new connection */
  private dispatch(isFresh: boolean): void {
    const { exchange } = this;
    const { instance, count } = this.attempts;
    this.stage = 'connect';
    this.hasResponse = false;
    exchange.attempts = count;
    exchange.instance = instance.origin;
    exchange.attemptedAt = performance.now();
    exchange.connectedAt = exchange.sentAt = exchange.responseAt = 0;
    try {
      if (isFresh) instance.dispatchFresh(this.outgoing, this);
      else instance.dispatch(this.outgoing, this);
    } catch (error) {
      this.fail(exceptionFor(error as Error, this.options.service, 'request'));
    }
  }

  onRequestStart(controller: ResponseController): void {
    const { exchange } = this;
    this.controller = controller;
    exchange.reusedConnection = this.connection!.begin();
    // Thrown: an abort would close the connection.
    if (this.settled) throw new ClientGoneException('connect');
    this.stage = this.outgoing.body ? 'request_body' : 'response_headers';
    exchange.connectedAt = exchange.sentAt = performance.now();
  }

  onRequestSent(): void {
    // The response may have begun before.
    if (this.stage !== 'request_body') return;
    this.stage = 'response_headers';
    this.exchange.sentAt = performance.now();
  }

  onResponseStarted(): void {
    this.hasResponse = true;
  }

  // :: Step 3
  onResponseStart(
    controller: ResponseController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    const raw = controller.rawHeaders as Buffer[];
    if (status < 200) {
      if (status === 103) this.writeEarlyHints(raw);
      return;
    }
    const { exchange, response, options, attempts } = this;
    // A 408 for an idle connection, not for this request (RFC 9110, section 15.5.9).
    if (status === REQUEST_TIMEOUT && this.isFirstOfReused && this.retry(true)) return;
    const now = (exchange.responseAt = performance.now());
    if (isUnavailable(status)) {
      attempts.failed('status', now);
      if (this.retry(false)) return;
      attempts.report('failed', now);
    } else {
      attempts.succeeded(now);
    }
    this.showAttempts();
    for (const gate of options.observers) gate.onResponse!(exchange, status);
    const head = responseHeadersFor(raw, exchange.responseHeaders, status, this.isChunked(status));
    if (head.hasUnknownCoding) {
      this.fail(invalidResponse(this.options.service, 'transfer coding besides chunked'));
      return;
    }
    this.framing = {
      contentLength: head.contentLength,
      isChunked: head.isChunked,
      mayHaveBody: this.mayHaveBody(status),
    };
    if (head.isEventStream) {
      this.isEventStream = true;
      if (!head.isEncoded && head.contentLength === -1) this.events = new EventBoundary();
      this.idleLimitMs = this.options.limits.eventStreamIdleTimeoutMs;
      if (exchange.isPeerTrusted) sayUnbuffered(head.headers);
    }
    try {
      response.writeHead(status, phraseOf(status, statusText), head.headers);
    } catch (error) {
      // undici accepts bytes in a header that Node refuses to write.
      this.fail(exceptionFor(error as Error, this.options.service, 'response_headers'));
      return;
    }
    this.stage = 'response_body';
    this.progressAt = now;
    if (unflushed.push(this) === 1) setImmediate(flushHeads);
  }

  // :: Step 4
  onResponseData(controller: ResponseController, chunk: Buffer): void {
    // undici passes an empty chunk after a pause.
    if (chunk.length === 0 || this.settled) return;
    const { exchange, response } = this;
    exchange.responseBytes += chunk.length;
    this.hasProgressed = true;
    if (this.events && this.passEvents(this.events, chunk)) return;
    const written = this.holdChunk(chunk);
    if (exchange.responseBytes === this.framing.contentLength) {
      response.end(chunk, written);
    } else if (!response.write(chunk, written) && response.writableLength >= HIGH_WATER_MARK_BYTES) {
      this.waitsForClient = true;
      controller.pause();
      response.once('drain', onResponseDrain);
    }
  }

  /** Reads the ends of events. @returns whether the response was ended behind one */
  private passEvents(events: EventBoundary, chunk: Buffer): boolean {
    const end = events.read(chunk);
    if (!this.endsBehindEvent || end === -1) return false;
    this.response.write(Buffer.from(chunk.subarray(0, end)));
    this.finishEarly(this.endsBehindEvent);
    return true;
  }

  /**
   * Holds the read of a chunk until the chunk is written. When a chunk of another read comes, the parser no longer needs the
   * former read: only trailers, behind the last chunk, could begin in one read and end in the next.
   * @returns a function to call when the chunk is written, if the read is a large one
   */
  private holdChunk(chunk: Buffer): (() => void) | undefined {
    const read = ReadBuffer.of(chunk);
    if (read !== this.read) {
      this.read?.release();
      this.read = read;
    }
    if (!read) return undefined;
    read.hold();
    return read.release;
  }

  // :: Step 5
  onResponseEnd(controller: ResponseController): void {
    const { response, connection, framing } = this;
    connection!.endResponse(framing);
    if (this.settled) return;
    const endsWithConnection = framing.contentLength === -1 && !framing.isChunked && framing.mayHaveBody;
    if (connection!.error && endsWithConnection) {
      this.onResponseError(controller, connection!.error);
      return;
    }
    this.settle(performance.now());
    if (response.writableEnded) return;
    const raw = controller.rawTrailers as Buffer[];
    if (raw.length > 0 && response.chunkedEncoding) response.addTrailers(responseTrailersFor(raw));
    response.end();
  }

  onResponseError(controller: ResponseController | null | undefined, error: Error): void {
    // Errors of an abandoned attempt are ignored.
    if (this.settled || (controller ?? undefined) !== this.controller) return;
    const cause = this.connection?.error ?? error;
    const isStale = this.stage === 'response_headers' && this.isFirstOfReused && isConnectionLost(cause);
    this.failAttempt(exceptionFor(cause, this.options.service, this.stage), isStale);
  }

  /** See `Exchange.end`. */
  endEarly(exception: ProxyException): void {
    if (this.settled) return;
    if (!this.events) this.fail(exception);
    else if (this.events.isBetweenEvents) this.finishEarly(exception);
    else this.endsBehindEvent = exception;
  }

  /** See `Exchange.cut`. */
  cut(exception: ProxyException): void {
    if (!this.settled) this.fail(exception);
  }

  /** Ends the response normally: all of its events are complete. */
  private finishEarly(exception: ProxyException): void {
    const { controller, response } = this;
    this.settle(performance.now());
    this.exchange.failure = exception;
    controller?.abort(exception);
    response.end();
  }

  private get isFirstOfReused(): boolean {
    return this.exchange.reusedConnection && this.exchange.attempts === 1;
  }

  /** @param isStale whether the connection may have been dead already: then a retry costs no budget */
  private failAttempt(exception: ProxyException, isStale: boolean): void {
    const kind = failureKindOf(exception);
    if (kind !== undefined) {
      this.attempts.failed(kind, performance.now());
      if (!this.hasResponse && this.retry(isStale)) return;
    }
    this.fail(exception);
  }

  tick(now: number, elapsedMs: number): void {
    if (this.buffering?.isQueued) this.buffering.tick(now);
    else if (this.stage === 'response_body') this.tickResponse(now, elapsedMs);
    else if (!this.body || this.body.complete || (this.stage === 'connect' && !this.isRepeatable))
      this.tickWait(now);
    else this.tickUpload(now, elapsedMs, this.body);
  }

  private tickWait(now: number): void {
    const { requestTimeoutMs, responseHeadersTimeoutMs } = this.options.limits;
    const since = this.body ? this.progressAt : this.exchange.startedAt;
    if (now - since > requestTimeoutMs) {
      this.fail(this.timeoutOf('route deadline'));
    } else if (this.stage === 'response_headers') {
      const waitedMs = now - this.exchange.sentAt;
      if (waitedMs > responseHeadersTimeoutMs) {
        this.failAttempt(this.timeoutOf('response headers timeout'), false);
      } else if (
        waitedMs > EJECTED_INSTANCE_TIMEOUT_MS &&
        !this.hasResponse &&
        !this.attempts.instance.health.isUp
      ) {
        this.retry(false);
      }
    }
  }

  /** The request timeout begins with the end of the body. Until then the client must send, and the service must read. */
  private tickUpload(now: number, elapsedMs: number, body: RequestBody): void {
    if (this.exchange.requestBytes !== this.bytesAtLastTick) {
      this.bytesAtLastTick = this.exchange.requestBytes;
      this.progressAt = now;
    } else if (body.isPaused && now - this.progressAt > this.options.limits.streamIdleTimeoutMs) {
      this.fail(this.timeoutOf('request body not taken'));
      return;
    }
    body.tick(elapsedMs);
  }

  private tickResponse(now: number, elapsedMs: number): void {
    const { body } = this;
    // A service may respond early and read on; then both bodies are in progress.
    if (body && !body.complete) {
      // A client that sends and does not read makes no progress with its response.
      const hasSent = this.exchange.requestBytes !== this.bytesAtLastTick;
      if (hasSent && !this.waitsForClient) this.hasProgressed = true;
      this.bytesAtLastTick = this.exchange.requestBytes;
      body.tick(elapsedMs);
    }
    if (this.hasProgressed) {
      this.hasProgressed = false;
      this.progressAt = now;
    } else if (now - this.progressAt > this.idleLimitMs) {
      if (this.waitsForClient) this.fail(new ClientStalledException());
      else this.fail(this.timeoutOf('response body idle'));
    } else if (this.waitsForClient && now - this.progressAt > SLOW_READER_MS) {
      this.options.slowReaderLimit.add(this);
    }
  }

  get network(): string {
    return networkOf(this.exchange.clientAddress);
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
    if (this.settled) return;
    // A complete response may still wait for the end of the service's message.
    if (this.response.writableFinished) this.settle(performance.now());
    else this.fail(new ClientGoneException(this.stage));
  }

  resume(): void {
    this.hasProgressed = true;
    this.waitsForClient = false;
    this.options.slowReaderLimit.delete(this);
    if (!this.settled) this.controller?.resume();
  }

  /** Sends the head if no byte of the body came with it, as in event streams. */
  flushHead(): void {
    const { response } = this;
    if (this.settled || response.writableEnded || this.exchange.responseBytes > 0) return;
    // Not flushHeaders(), which writes the head as UTF-8 and so doubles its latin1 bytes.
    if (this.request.method !== 'HEAD') response.write(EMPTY);
  }

  // :: Step 2
  /** Sends the request again, if that is allowed. @param isStale see `failAttempt` @returns whether it is sent */
  private retry(isStale: boolean): boolean {
    const { attempts, controller } = this;
    const mayBeSent = this.isBodyThere && (this.stage === 'connect' || this.isRepeatable);
    if (!mayBeSent || this.response.headersSent) return false;
    const { instance } = attempts;
    if (!attempts.retry(performance.now(), isStale)) return false;
    this.controller = undefined;
    controller?.abort(new Error('given up for another attempt'));
    this.dispatch(attempts.instance === instance);
    return true;
  }

  private showAttempts(): void {
    const { exchange, options } = this;
    if (options.showsAttempts) exchange.responseHeaders.push('X-Gateway-Attempts', String(exchange.attempts));
  }

  private timeoutOf(reason: string): UpstreamTimeoutException {
    return new UpstreamTimeoutException(this.options.service, this.stage, new Error(reason));
  }

  private fail(exception: ProxyException): void {
    const { response, controller } = this;
    const now = performance.now();
    this.attempts.report(failureKindOf(exception) === undefined ? 'ignored' : 'failed', now);
    this.settle(now);
    this.exchange.failure = exception;
    controller?.abort(exception);
    if (exception instanceof ClientGoneException) return;
    if (response.headersSent) {
      this.breakOff();
      return;
    }
    this.showAttempts();
    this.refuse(exception);
  }

  /** Whether a body of unknown length goes to the client in chunks, which trailers may follow. */
  private isChunked(status: number): boolean {
    return this.request.httpVersionMinor === 1 && this.mayHaveBody(status);
  }

  /** RFC 9112, section 6.3. */
  private mayHaveBody(status: number): boolean {
    return this.request.method !== 'HEAD' && status !== 204 && status !== 304;
  }

  /** Ends the response so that the client cannot take it for complete: by a reset if only its end frames it. */
  private breakOff(): void {
    const isFramed = this.response.chunkedEncoding || this.framing.contentLength !== -1;
    if (isFramed) this.response.destroy();
    else this.response.socket?.resetAndDestroy();
  }

  private settle(now: number): void {
    this.settled = true;
    this.attempts.end(now);
    // After the end of the attempt, so that there is room for the next request.
    this.buffering?.release();
    if (this.waitsForClient) this.options.slowReaderLimit.delete(this);
    this.read?.release();
    this.read = undefined;
    this.body?.destroy();
    this.options.ticker.delete(this);
  }

  private writeEarlyHints(raw: readonly Buffer[]): void {
    // There is no back-pressure before the response: hints are dropped if the client does not read.
    if (this.request.httpVersionMinor === 0 || this.response.writableLength >= HIGH_WATER_MARK_BYTES) return;
    const link: string[] = [];
    for (let index = 0; index < raw.length; index += 2) {
      if (raw[index]!.toString('latin1').toLowerCase() === 'link')
        link.push(raw[index + 1]!.toString('latin1'));
    }
    try {
      if (link.length > 0) this.response.writeEarlyHints({ link });
    } catch {
      // Node refuses to write the hint. The response still follows.
    }
  }
}

function isSmallAndKeyed({ headers }: IncomingMessage): boolean {
  // A body in chunks has no announced length, and does not count as small.
  return headers['idempotency-key'] !== undefined && Number(headers['content-length']) <= BUFFERED_BODY_BYTES;
}

/** A reason phrase that Node can write. A service may send any bytes, which undici reads as UTF-8. */
const PHRASE = /^[\t\x20-\x7e]+$/;

function phraseOf(status: number, statusText = ''): string {
  const usual = STATUS_CODES[status] ?? 'Unknown';
  return statusText !== usual && PHRASE.test(statusText) ? statusText : usual;
}

function invalidResponse(service: string, reason: string): UpstreamInvalidResponseException {
  return new UpstreamInvalidResponseException(service, 'response_headers', new Error(reason));
}

/* Shared listeners, which find the forward by the exchange: a closure for each request would stay in V8's old generation. */

function onResponseClose(this: ServerResponse): void {
  exchangeOf(this.req)!.forward!.clientClosed();
}

function onResponseDrain(this: ServerResponse): void {
  exchangeOf(this.req)!.forward!.resume();
}

/** The forwards whose head came in this turn of the event loop. One immediate serves all. */
let unflushed: Forward[] = [];

function flushHeads(): void {
  const forwards = unflushed;
  unflushed = [];
  for (const forward of forwards) forward.flushHead();
}
