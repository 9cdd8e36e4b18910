import { ChunkedDecoder } from './chunked-decoder.js';
import { InvalidResponseError, isBodiless, parseHead, type ResponseHead } from './response-head.js';

const HEAD_END = Buffer.from('\r\n\r\n');
const LF = 0x0a;
const CR = 0x0d;

/** The first bytes of each head. */
const PROTOCOL = 'HTTP/1.';

const SWITCHING_PROTOCOLS = 101;

const NO_TRAILERS: readonly string[] = [];

/** Receives the parts of one response, in this order. It may stop the parser in each of them. */
export interface ResponseListener {
  /** A response before the response, with a status from 100 to 199, but not 101. */
  onInterim(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  /** @param bytes memory that is used again when the call has returned @param isLast whether `onEnd` is next */
  onBody(bytes: Buffer, isLast: boolean): void;
  /** @param trailers name, value, name, value */
  onEnd(trailers: readonly string[]): void;
}

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
  private isHead = false;
  /** Reads of an incomplete head, and the bytes in them. */
  private pieces: Buffer[] = [];
  private pieceBytes = 0;
  /** Bytes of the body that are missing. */
  private left = 0;
  private readonly chunks: ChunkedDecoder;

  /** @param headLimitBytes most bytes of a head, and of trailers */
  constructor(private readonly headLimitBytes: number) {
    this.chunks = new ChunkedDecoder(headLimitBytes);
  }

  /** A request was sent. @param isHead whether its method is HEAD, so that the response has no body */
  expect(listener: ResponseListener, isHead: boolean): void {
    this.listener = listener;
    this.isHead = isHead;
    this.state = 'head';
  }

  /** Parses nothing more, until the next request. */
  stop(): void {
    this.state = 'idle';
    this.listener = undefined;
    this.pieces = [];
    this.pieceBytes = 0;
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
    const end = this.findHeadEnd(bytes, from, to);
    if (end === -1) {
      this.keep(bytes.subarray(from, to));
      return to;
    }
    let text = bytes.toString('latin1', from, end);
    if (this.pieces.length > 0) {
      text = Buffer.concat(this.pieces).toString('latin1') + text;
      this.pieces = [];
      this.pieceBytes = 0;
    }
    if (text.length > this.headLimitBytes) throw new InvalidResponseError('head too large');
    this.beginResponse(parseHead(text.slice(0, -HEAD_END.length)));
    return end;
  }

  /** The position behind the CRLF CRLF, which may have begun in an earlier read; -1 if it is not there. */
  private findHeadEnd(bytes: Buffer, from: number, to: number): number {
    if (this.pieces.length > 0) {
      // At most three bytes of it are in earlier reads.
      const before = Buffer.concat(this.pieces.slice(-3)).subarray(-3);
      const seam = Buffer.concat([before, bytes.subarray(from, Math.min(to, from + 3))]);
      const at = seam.indexOf(HEAD_END);
      if (at !== -1) return from + at + HEAD_END.length - before.length;
    }
    const at = bytes.indexOf(HEAD_END, from);
    return at === -1 || at + HEAD_END.length > to ? -1 : at + HEAD_END.length;
  }

  /** Keeps an incomplete head, unless it cannot become a valid one: then the client need not wait for more. */
  private keep(piece: Buffer): void {
    const { pieces } = this;
    const last = pieces.at(-1)?.at(-1);
    for (let at = piece.indexOf(LF); at !== -1; at = piece.indexOf(LF, at + 1)) {
      if ((at === 0 ? last : piece[at - 1]) !== CR) {
        throw new InvalidResponseError('line feed without carriage return');
      }
    }
    // A copy: the memory of the read is used again.
    pieces.push(Buffer.from(piece));
    this.pieceBytes += piece.length;
    if (this.pieceBytes > this.headLimitBytes) throw new InvalidResponseError('head too large');
    if (this.pieceBytes - piece.length >= PROTOCOL.length) return;
    const begin = Buffer.concat(pieces).toString('latin1', 0, PROTOCOL.length);
    if (!PROTOCOL.startsWith(begin)) throw new InvalidResponseError('not HTTP/1.1');
  }

  private beginResponse(head: ResponseHead): void {
    const { status } = head;
    if (status === SWITCHING_PROTOCOLS) throw new InvalidResponseError('switched protocols unasked');
    if (status < 200) {
      this.listener!.onInterim(head);
      return;
    }
    const { contentLength, isChunked } = head;
    const isEmpty = this.isHead || isBodiless(status) || contentLength === 0;
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
