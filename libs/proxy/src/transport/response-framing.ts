import { InvalidResponseError } from './transport-errors.js';

const LENGTH = /^\d{1,15}$/;
const TIMEOUT = /(?:^|[\s,;])timeout *= *"?(\d{1,9})/i;

/** The parts of a head that say how its body is delimited, and whether the connection stays. */
export class ResponseFraming {
  contentLength = -1;
  isChunked = false;
  keepAliveMs = Infinity;
  private isClosing = false;
  private isKept = false;

  /** Reads one header field. Most names are told apart by their length alone. @throws InvalidResponseError */
  read(name: string, value: string): void {
    switch (name.length) {
      // `Connection` or `Keep-Alive`.
      case 10:
        this.readConnection(name.toLowerCase(), value);
        return;
      case 14:
        if (name.toLowerCase() === 'content-length') this.readLength(value);
        return;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') this.readCoding(value);
        return;
      default:
    }
  }

  isPersistent(minorVersion: number): boolean {
    if (this.isClosing) return false;
    // RFC 9112, section 6.1: HTTP/1.0 has no chunks, so its framing cannot be trusted further.
    return minorVersion === 1 || (this.isKept && !this.isChunked);
  }

  private readConnection(lower: string, value: string): void {
    if (lower === 'connection') {
      for (const option of value.toLowerCase().split(',')) {
        const name = option.trim();
        if (name === 'close') this.isClosing = true;
        else if (name === 'keep-alive') this.isKept = true;
      }
    } else if (lower === 'keep-alive') {
      const [, seconds] = TIMEOUT.exec(value) ?? [];
      if (seconds !== undefined) this.keepAliveMs = Number(seconds) * 1_000;
    }
  }

  private readLength(value: string): void {
    if (this.contentLength !== -1) throw new InvalidResponseError('more than one Content-Length');
    if (!LENGTH.test(value)) throw new InvalidResponseError('invalid Content-Length');
    this.contentLength = Number(value);
  }

  private readCoding(value: string): void {
    // Any other coding, or two fields, would be lost on the way to the client.
    if (this.isChunked || value.toLowerCase() !== 'chunked') {
      throw new InvalidResponseError('transfer coding besides chunked');
    }
    this.isChunked = true;
  }
}
