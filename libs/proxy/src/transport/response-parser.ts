import { ChunkedDecoder } from './chunked-decoder.js';
import { HeadBuffer } from './head-buffer.js';
import { isBodiless, parseHead, type ResponseHead } from './response-head.js';
import type { ResponseListener } from './response-listener.js';
import { InvalidResponseError } from './transport-errors.js';

const SWITCHING_PROTOCOLS = 101;

const NO_TRAILERS: readonly string[] = [];

/** What the next bytes are; `length`, `chunked` and `until close`: a body that is delimited so. */
type State = 'idle' | 'head' | 'length' | 'chunked' | 'until close';

/**
 * Parses the responses of one connection (RFC 9112), one after another, strictly. Bytes that belong to no response are
 * `hasExcess`: a service that sends a byte too many may send more, and the next client would get them.
 */
export class ResponseParser {
  /** Whether bytes came that belong to no response. */
  hasExcess = false;
  private state: State = 'idle';
  private listener: ResponseListener | undefined;
  private isHeadRequest = false;
  /** Bytes of the body that are missing. */
  private left = 0;
  private readonly head: HeadBuffer;
  private readonly chunks: ChunkedDecoder;

  /** @param headLimitBytes most bytes of a head, and of trailers */
  constructor(headLimitBytes: number) {
    this.head = new HeadBuffer(headLimitBytes);
    this.chunks = new ChunkedDecoder(headLimitBytes);
  }

  /** A request was sent. @param isHeadRequest whether its method is HEAD, so that the response has no body */
  expect(listener: ResponseListener, isHeadRequest: boolean): void {
    this.listener = listener;
    this.isHeadRequest = isHeadRequest;
    this.state = 'head';
  }

  /** Parses nothing more, until the next request. */
  stop(): void {
    this.state = 'idle';
    this.listener = undefined;
    this.head.clear();
  }

  /** Whether a request waits for its response, or for the rest of it. */
  get isExpecting(): boolean {
    return this.state !== 'idle';
  }

  /** @param bytes the first `length` of them were read @throws InvalidResponseError */
  read(bytes: Buffer, length: number): void {
    let at = 0;
    while (at < length) {
      switch (this.state) {
        case 'head':
          at = this.readHead(bytes, at, length);
          break;
        case 'length':
          at = this.readLength(bytes, at, length);
          break;
        case 'chunked':
          at = this.readChunks(bytes, at, length);
          break;
        case 'until close':
          this.listener!.onBody(bytes.subarray(at, length), false);
          return;
        default:
          this.hasExcess = true;
          return;
      }
    }
  }

  /** The service has ended its side. @returns whether that is the end of the response */
  end(): boolean {
    if (this.state !== 'until close') return false;
    this.finish(NO_TRAILERS);
    return true;
  }

  private readHead(bytes: Buffer, from: number, to: number): number {
    const { head } = this;
    const end = head.findEnd(bytes, from, to);
    if (end === -1) {
      head.keep(bytes.subarray(from, to));
      return to;
    }
    const parsed = parseHead(head.take(bytes, from, end));
    if (parsed.status === SWITCHING_PROTOCOLS) {
      this.upgrade(parsed, bytes.subarray(end, to));
      return to;
    }
    this.beginResponse(parsed);
    return end;
  }

  private upgrade(head: ResponseHead, early: Buffer): void {
    const { listener } = this;
    if (!listener?.onUpgrade) throw new InvalidResponseError('switched protocols unasked');
    // RFC 9110, section 8.6, and RFC 9112, section 6.1, forbid both: the next bytes could be a body or the other protocol.
    if (head.isChunked || head.contentLength > 0) throw new InvalidResponseError('101 with a body');
    this.stop();
    listener.onUpgrade(head, early);
  }

  private beginResponse(head: ResponseHead): void {
    const { status } = head;
    if (status < 200) {
      this.listener!.onInterim(head);
      return;
    }
    const { contentLength, isChunked } = head;
    const isEmpty = this.isHeadRequest || isBodiless(status) || contentLength === 0;
    this.state = isEmpty || contentLength > 0 ? 'length' : isChunked ? 'chunked' : 'until close';
    this.left = isEmpty ? 0 : contentLength;
    if (isChunked) this.chunks.reset();
    this.listener!.onHead(head);
    // The listener may have stopped the parser.
    if (isEmpty && this.state === 'length') this.finish(NO_TRAILERS);
  }

  private readLength(bytes: Buffer, from: number, to: number): number {
    const end = Math.min(to, from + this.left);
    this.left -= end - from;
    this.listener!.onBody(bytes.subarray(from, end), this.left === 0);
    if (this.left === 0 && this.state === 'length') this.finish(NO_TRAILERS);
    return end;
  }

  private readChunks(bytes: Buffer, from: number, to: number): number {
    const { chunks } = this;
    chunks.decode(bytes, from, to);
    if (chunks.end > chunks.start) {
      const isLast = chunks.isDone && chunks.trailers.length === 0;
      this.listener!.onBody(bytes.subarray(chunks.start, chunks.end), isLast);
    }
    if (chunks.isDone && this.state === 'chunked') this.finish(chunks.trailers);
    return chunks.position;
  }

  private finish(trailers: readonly string[]): void {
    const { listener } = this;
    this.stop();
    listener!.onEnd(trailers);
  }
}
