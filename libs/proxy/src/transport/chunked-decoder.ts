import { parseTrailers } from './response-head.js';
import { InvalidResponseError } from './transport-errors.js';

const CR = 0x0d;
const LF = 0x0a;

/** Most bytes of the line of a chunk: its size and its extensions. */
const LINE_LIMIT_BYTES = 4 * 1024;

/** A size below 2^52, and extensions (RFC 9112, section 7.1.1), which have no meaning here. */
const SIZE =
  /^0*([0-9A-Fa-f]{1,13})(?:;[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e]*"))?)*\r\n$/;

/**
 * Decodes a body in chunks (RFC 9112, section 7.1), in place: the content of the chunks of one read is moved together, so
 * that a service that sends each byte in a chunk of its own costs one write for a read.
 */
export class ChunkedDecoder {
  /** The range of the last `decode` in its bytes that has content, and the position behind the bytes that it has read. */
  start = 0;
  end = 0;
  position = 0;
  /** Whether the last chunk and the trailers were read. */
  isDone = false;
  /** Name, value, name, value. */
  trailers: string[] = [];

  private state: 'size' | 'content' | 'content end' | 'trailers' = 'size';
  /** Bytes of the present chunk that have not been read. */
  private left = 0;
  /** An incomplete line. */
  private line = '';
  private trailerText = '';

  /** @param trailerLimitBytes most bytes of all trailer fields */
  constructor(private readonly trailerLimitBytes: number) {}

  reset(): void {
    this.state = 'size';
    this.isDone = false;
    this.line = this.trailerText = '';
    this.trailers = [];
  }

  /** Reads bytes from a position on. @throws InvalidResponseError */
  decode(bytes: Buffer, from: number, to: number): void {
    this.start = this.end = this.position = from;
    while (this.position < to && !this.isDone) {
      if (this.state === 'size') this.readSize(bytes, to);
      else if (this.state === 'content') this.readContent(bytes, to);
      else if (this.state === 'content end') this.readContentEnd(bytes);
      else this.readTrailer(bytes, to);
    }
  }

  private readSize(bytes: Buffer, to: number): void {
    const line = this.readLine(bytes, to, LINE_LIMIT_BYTES);
    if (line === undefined) return;
    const [, size] = SIZE.exec(line) ?? [];
    if (size === undefined) throw new InvalidResponseError('malformed chunk size');
    this.left = parseInt(size, 16);
    this.state = this.left === 0 ? 'trailers' : 'content';
  }

  private readContent(bytes: Buffer, to: number): void {
    const { position } = this;
    const length = Math.min(this.left, to - position);
    if (this.end === this.start) this.start = this.end = position;
    else bytes.copyWithin(this.end, position, position + length);
    this.end += length;
    this.position += length;
    this.left -= length;
    // Two bytes follow the content: CR, then LF.
    if (this.left === 0) {
      this.state = 'content end';
      this.left = 2;
    }
  }

  private readContentEnd(bytes: Buffer): void {
    if (bytes[this.position++] !== (this.left === 2 ? CR : LF)) {
      throw new InvalidResponseError('no line end behind a chunk');
    }
    this.left--;
    if (this.left === 0) this.state = 'size';
  }

  private readTrailer(bytes: Buffer, to: number): void {
    const line = this.readLine(bytes, to, this.trailerLimitBytes);
    if (line === undefined) return;
    if (line === '\r\n') {
      this.trailers = parseTrailers(this.trailerText);
      this.isDone = true;
      return;
    }
    this.trailerText += line;
    if (this.trailerText.length > this.trailerLimitBytes)
      throw new InvalidResponseError('trailers too large');
  }

  /** The next line with its line end; undefined if it is incomplete. */
  private readLine(bytes: Buffer, to: number, limitBytes: number): string | undefined {
    const found = bytes.indexOf(LF, this.position);
    const end = found === -1 || found >= to ? to : found + 1;
    const line = this.line + bytes.toString('latin1', this.position, end);
    this.position = end;
    if (line.length > limitBytes) throw new InvalidResponseError('line of a chunk too long');
    const isWhole = found !== -1 && found < to;
    this.line = isWhole ? '' : line;
    if (!isWhole) return undefined;
    if (!line.endsWith('\r\n')) throw new InvalidResponseError('line feed without carriage return');
    return line;
  }
}
