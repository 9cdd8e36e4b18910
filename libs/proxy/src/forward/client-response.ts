import type { ServerResponse } from 'node:http';
import { addedHeadersFor } from '../headers/added-headers.js';
import { responseHeadersFor, responseTrailersFor, sayUnbuffered } from '../headers/response-headers.js';
import type { ProxyException } from '../http/exceptions.js';
import type { Exchange } from '../http/exchange.js';
import { takeHeadBack } from '../http/node-internals.js';
import { ReadBuffer } from '../transport/read-buffer.js';
import { isBodiless, type ResponseHead } from '../transport/response-head.js';
import { checkFields, phraseFor, setClientHead } from './client-head.js';
import type { ForwardOptions } from './forward-options.js';
import { EventStream } from './event-stream.js';
import { Heartbeat } from './heartbeat.js';

/**
 * Bytes for a client, not yet taken by the kernel, at which the service is paused. The result of `write()` alone is no
 * measure: it is false for each chunk of 64 KiB, though the kernel has most of them when it returns.
 */
const HIGH_WATER_MARK_BYTES = 64 * 1024;

/** Bodies up to this size go out as text, in one write with the head. */
const TEXT_BYTES = 8 * 1024;

/** Smaller reads get memory of their own size, or a few bytes for a slow client would hold 64 KiB. */
const LARGE_READ_BYTES = 32 * 1024;

const EMPTY = Buffer.alloc(0);

/** The service's response on its way to the client. */
export class ClientResponse {
  /** Whether it is a stream; see `RouteOptions.stream`. */
  isStream = false;
  private readonly response: ServerResponse;
  /** Announced length of the body; -1 if there is none. */
  private contentLength = -1;
  /** The body of an event stream; undefined if it is encoded or has a length. */
  private events: EventStream | undefined;
  /** Undefined if the response is no event stream, or its route has none. */
  heartbeat: Heartbeat | undefined;
  private retryMs: number | undefined;
  /** The reason if the response is to end behind the event in progress. */
  private endReason: ProxyException | undefined;

  constructor(
    private readonly exchange: Exchange,
    private readonly options: ForwardOptions,
  ) {
    this.response = exchange.response;
  }

  /** Passes early hints on (RFC 8297), unless the client does not read: before the response there is no back-pressure. */
  writeEarlyHints(raw: readonly string[]): void {
    const { response } = this;
    if (response.req.httpVersionMinor === 0 || response.writableLength >= HIGH_WATER_MARK_BYTES) return;
    const link = raw.filter((_, index) => index % 2 === 1 && raw[index - 1]!.toLowerCase() === 'link');
    try {
      if (link.length > 0) response.writeEarlyHints({ link });
    } catch {
      // Node refuses to write the hint. The response still follows.
    }
  }

  /** Writes the head. It goes out with the first bytes of the body, or at the end of this turn of the event loop. */
  begin({ status, phrase, headers, contentLength, isChunked }: ResponseHead): void {
    const { exchange, response } = this;
    const hasBody = response.req.method !== 'HEAD' && !isBodiless(status);
    const keepsTrailers = isChunked && hasBody && response.req.httpVersionMinor === 1;
    const added = addedHeadersFor(exchange, headers);
    const head = responseHeadersFor(headers, added, status, keepsTrailers);
    const fields = exchange.responseChanges?.applyTo(head.headers) ?? head.headers;
    this.contentLength = contentLength;
    if (head.isEventStream || this.options.isStream) {
      this.isStream = true;
      if (head.isEventStream && !head.isEncoded && contentLength === -1 && hasBody) this.openEvents(status);
      if (exchange.isPeerTrusted) sayUnbuffered(fields);
    }
    checkFields(exchange.responseHeaders);
    // A middleware of the application before a mounted proxy may wait for `writeHead`, as sessions and compression do.
    if (exchange.mountedUpstream !== undefined) response.writeHead(status, phraseFor(status, phrase), fields);
    else setClientHead(response, status, phraseFor(status, phrase), fields);
    if (unflushed.push(this) === 1) setImmediate(flushHeads);
  }

  /** @param bytes memory that is used again @returns false if the service must be paused until the client has read */
  write(bytes: Buffer): boolean {
    const { response } = this;
    if (bytes.length === 0) return this.hasRoom;
    if (bytes.length < LARGE_READ_BYTES) return response.write(Buffer.from(bytes)) || this.hasRoom;
    const read = ReadBuffer.copyOf(bytes);
    return response.write(read.bytes, read.release) || this.hasRoom;
  }

  /** Ends the response with its last bytes. @param bytes as in `write` */
  endWith(bytes: Buffer): void {
    const { response } = this;
    if (this.events?.hasHalf) {
      this.write(bytes);
      return;
    }
    if (bytes.length <= TEXT_BYTES) {
      response.end(bytes.toString('latin1'), 'latin1');
    } else if (bytes.length < LARGE_READ_BYTES) {
      response.end(Buffer.from(bytes));
    } else {
      const read = ReadBuffer.copyOf(bytes);
      response.end(read.bytes, read.release);
    }
  }

  /** Ends the response, unless `endWith` has. */
  end(trailers: readonly string[]): void {
    const { response } = this;
    if (response.writableEnded) return;
    if (this.events?.hasHalf) response.write(this.events.takeHalf());
    if (trailers.length > 0 && response.chunkedEncoding) {
      const kept = this.exchange.responseChanges?.keptOf(trailers) ?? trailers;
      response.addTrailers(responseTrailersFor(kept));
    }
    response.end();
  }

  /** Takes the head back, if no byte of it was sent. @returns whether the client can get another response */
  takeBack(): boolean {
    // A mounted proxy's head may have been changed by a middleware, which would not know of it.
    return this.exchange.mountedUpstream === undefined && takeHeadBack(this.response);
  }

  /** Ends the response so that the client cannot take it for complete: by a reset if only its end frames it. */
  breakOff(): void {
    const isFramed = this.response.chunkedEncoding || this.contentLength !== -1;
    if (isFramed) this.response.destroy();
    else this.response.socket?.resetAndDestroy();
  }

  /** Whether the events of an event stream can be told apart. */
  get hasEvents(): boolean {
    return this.events !== undefined;
  }

  /**
   * Ends an event stream behind the event in progress.
   * @param retryMs after which the client is told to come back. Default: it is told nothing
   * @returns whether it is between two events now; if not, `passEvents` will find the end
   */
  endBehindEvent(reason: ProxyException, retryMs?: number): boolean {
    this.endReason = reason;
    this.retryMs = retryMs;
    return this.events!.endBehindEvent();
  }

  /** The bytes of an event stream that the client may have now; other bytes as they are. @param bytes as in `write` */
  passEvents(bytes: Buffer): Buffer {
    return this.events ? this.events.pass(bytes) : bytes;
  }

  /** The reason of `endBehindEvent`, once the event in progress has ended with the bytes of `passEvents`. */
  get endedBy(): ProxyException | undefined {
    return this.events?.isEnded ? this.endReason : undefined;
  }

  /** Ends the response behind a whole event. */
  endEvents(): void {
    this.response.end(this.retryMs === undefined ? undefined : `retry: ${this.retryMs}\n\n`);
  }

  /** The events of a stream that can be resumed now; undefined if it cannot. */
  get resumable(): EventStream | undefined {
    const { events, response } = this;
    const isResumable = events?.isResumable && events.lastEventId !== '' && events.isBetweenEvents;
    return isResumable && !response.writableEnded ? events : undefined;
  }

  private openEvents(status: number): void {
    const { method, headers } = this.response.req;
    const { resumes, heartbeatMs } = this.options.events;
    const isResumable = resumes && method === 'GET' && status === 200;
    this.events = new EventStream(isResumable, String(headers['last-event-id'] ?? ''));
    if (heartbeatMs > 0) this.heartbeat = new Heartbeat(this.response, this.events, heartbeatMs);
  }

  /** Sends the head if no byte of the body came with it, as in event streams. */
  flushHead(): void {
    const { response, exchange } = this;
    if (response.writableEnded || response.destroyed) return;
    if (exchange.responseBytes > 0 && !this.events?.hasHalf) return;
    // Not flushHeaders(), which writes the head as UTF-8 and so doubles its latin1 bytes.
    if (response.req.method !== 'HEAD') response.write(EMPTY);
  }

  private get hasRoom(): boolean {
    return this.response.writableLength < HIGH_WATER_MARK_BYTES;
  }
}

/** The responses whose head came in this turn of the event loop. One immediate serves all. */
let unflushed: ClientResponse[] = [];

function flushHeads(): void {
  const responses = unflushed;
  unflushed = [];
  for (const response of responses) response.flushHead();
}
