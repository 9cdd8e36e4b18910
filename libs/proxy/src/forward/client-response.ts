import type { ServerResponse } from 'node:http';
import { addedHeadersFor } from '../headers/added-headers.js';
import { responseHeadersFor, responseTrailersFor, sayUnbuffered } from '../headers/response-headers.js';
import type { Exchange } from '../http/exchange.js';
import { takeHeadBack } from '../http/node-internals.js';
import { isBodiless, type ResponseHead } from '../transport/response-head.js';
import { ClientEvents } from './client-events.js';
import { checkFields, phraseFor, setClientHead } from './client-head.js';
import type { ForwardOptions } from './forward-options.js';
import { PooledCopy } from './pooled-copy.js';

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
  /** Those of an event stream that has begun; undefined if it is encoded or has a length. */
  events: ClientEvents | undefined;
  private readonly response: ServerResponse;
  /** Announced length of the body; -1 if there is none. */
  private contentLength = -1;

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
    const fields = exchange.responseChanges?.applyTo(head.headers, added.length) ?? head.headers;
    this.contentLength = contentLength;
    if (head.isEventStream || this.options.isStream) {
      this.isStream = true;
      if (head.isEventStream && !head.isEncoded && contentLength === -1 && hasBody)
        this.events = new ClientEvents(response, this.options.events, status);
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
    const read = PooledCopy.copyOf(bytes);
    return response.write(read.bytes, read.release) || this.hasRoom;
  }

  /** Ends the response with its last bytes. @param bytes as in `write` */
  endWith(bytes: Buffer): void {
    const { response } = this;
    if (this.events?.stream.hasHalf) {
      this.write(bytes);
      return;
    }
    if (bytes.length <= TEXT_BYTES) {
      response.end(bytes.toString('latin1'), 'latin1');
    } else if (bytes.length < LARGE_READ_BYTES) {
      response.end(Buffer.from(bytes));
    } else {
      const read = PooledCopy.copyOf(bytes);
      response.end(read.bytes, read.release);
    }
  }

  /** Ends the response, unless `endWith` has. */
  end(trailers: readonly string[]): void {
    const { response } = this;
    if (response.writableEnded) return;
    if (this.events?.stream.hasHalf) response.write(this.events.stream.takeHalf());
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

  /** Sends the head if no byte of the body came with it, as in event streams. */
  flushHead(): void {
    const { response, exchange } = this;
    if (response.writableEnded || response.destroyed) return;
    if (exchange.responseBytes > 0 && !this.events?.stream.hasHalf) return;
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
