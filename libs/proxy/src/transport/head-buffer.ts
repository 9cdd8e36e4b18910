import { InvalidResponseError } from './transport-errors.js';

const HEAD_END = Buffer.from('\r\n\r\n');
const LF = 0x0a;
const CR = 0x0d;

/** The first bytes of each head. */
const PROTOCOL = 'HTTP/1.';

/** Finds the end of a head, and keeps the reads of one that comes in several. */
export class HeadBuffer {
  /** Reads of an incomplete head, and the bytes in them. None of them is empty. */
  private pieces: Buffer[] = [];
  private pieceBytes = 0;

  /** @param limitBytes most bytes of a head */
  constructor(private readonly limitBytes: number) {}

  clear(): void {
    if (this.pieceBytes === 0) return;
    this.pieces = [];
    this.pieceBytes = 0;
  }

  /** The position behind the CRLF CRLF, which may have begun in an earlier read; -1 if it is not there. */
  findEnd(bytes: Buffer, from: number, to: number): number {
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

  /**
   * Keeps a read without the end of the head, unless the head cannot become valid: then the client need not wait for more.
   * @throws InvalidResponseError
   */
  keep(piece: Buffer): void {
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
    if (this.pieceBytes > this.limitBytes) throw new InvalidResponseError('head too large');
    if (this.pieceBytes - piece.length >= PROTOCOL.length) return;
    const begin = Buffer.concat(pieces).toString('latin1', 0, PROTOCOL.length);
    if (!PROTOCOL.startsWith(begin)) throw new InvalidResponseError('not HTTP/1.1');
  }

  /**
   * The whole head as latin1, without the CRLF CRLF at its end; the buffer is empty behind it.
   * @param end from `findEnd`
   * @throws InvalidResponseError if it is too large
   */
  take(bytes: Buffer, from: number, end: number): string {
    let text = bytes.toString('latin1', from, end);
    if (this.pieces.length > 0) {
      text = Buffer.concat(this.pieces).toString('latin1') + text;
      this.clear();
    }
    if (text.length > this.limitBytes) throw new InvalidResponseError('head too large');
    return text.slice(0, -HEAD_END.length);
  }
}
