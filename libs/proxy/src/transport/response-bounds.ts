/** The beginning of an interim response, with any minor version, up to the first digit of its status. */
const INTERIM = Buffer.from('HTTP/1.x 1');
const VERSION_AT = INTERIM.indexOf('x');

/** Bytes up to the last digit of the status. */
const STATUS_BYTES = INTERIM.length + 2;

const CR = 0x0d;
const LF = 0x0a;
const HEAD_END = '\r\n\r\n';

/**
 * The CRLF CRLF that ends a chunked body, and the byte before it. If this byte is a line feed too, the body ended earlier,
 * and the last line breaks follow it.
 */
const CHUNKED_END_BYTES = HEAD_END.length + 1;

const EMPTY = Buffer.alloc(0);

/** How a response's body is delimited (RFC 9112, section 6.3). */
export interface ResponseFraming {
  /** Announced length of the body in bytes; -1 if there is none. */
  readonly contentLength: number;
  readonly isChunked: boolean;
  /** False for the response to HEAD, 204 and 304. */
  readonly mayHaveBody: boolean;
}

/**
 * Finds the start and the end of each response in the bytes of a connection, which undici does not report.
 *
 * - Removes interim responses, except 101 and 103, before the response (RFC 9110, section 15.2): undici would take an
 *   unexpected 100 for a broken connection.
 * - Finds bytes behind a response, above all line breaks, which undici ignores. A service that sends a byte too many may send
 *   more, and the next client would get them.
 *
 * Watches nothing before the first `expectResponse`.
 */
export class ResponseBounds {
  private state: 'unwatched' | 'before' | 'head' | 'body' | 'behind' = 'unwatched';
  /** Whether a response came over the connection before. */
  private hasServed = false;
  /** The first bytes of an incomplete interim head. */
  private partialInterimHead = EMPTY;
  /** The last bytes of a read of the head, in case its end continues in the next read. */
  private headTail = EMPTY;
  private bodyBytes = 0;
  /** The last bytes of the body, as latin1. */
  private bodyEnd = '';

  /**
   * @param headLimitBytes most bytes of an interim head that are kept; past it they go to undici
   * @param onExcess called for bytes that belong to no response; may be called again
   */
  constructor(
    private readonly headLimitBytes: number,
    private readonly onExcess: () => void,
  ) {}

  /** A request was sent: the next bytes are the head of its response, or of an interim one. */
  expectResponse(): void {
    this.state = 'before';
    this.partialInterimHead = this.headTail = EMPTY;
    this.bodyBytes = 0;
    this.bodyEnd = '';
  }

  /** Watches nothing until the next request. */
  stop(): void {
    this.state = 'unwatched';
    this.hasServed = false;
  }

  /** undici has the whole response. Calls `onExcess` if there were more bytes. */
  endResponse({ contentLength, isChunked, mayHaveBody }: ResponseFraming): void {
    if (this.state === 'unwatched') return;
    this.state = 'behind';
    this.hasServed = true;
    const isExact = !mayHaveBody
      ? this.bodyBytes === 0
      : isChunked
        ? this.bodyEnd.endsWith(HEAD_END) && this.bodyEnd.at(-CHUNKED_END_BYTES) !== '\n'
        : contentLength === -1 || this.bodyBytes === contentLength;
    if (!isExact) this.onExcess();
  }

  /** The bytes of a read for undici; may be empty. */
  filter(read: Buffer): Buffer {
    const { state } = this;
    if (state === 'before') return this.filterInterim(read);
    if (state === 'behind') {
      this.onExcess();
      return EMPTY;
    }
    if (state === 'head') this.readHead(read);
    else if (state === 'body') this.countBody(read);
    return read;
  }

  private filterInterim(read: Buffer): Buffer {
    const { partialInterimHead } = this;
    const bytes = partialInterimHead.length === 0 ? read : Buffer.concat([partialInterimHead, read]);
    this.partialInterimHead = EMPTY;
    const kept: Buffer[] = [];
    let keptFrom = 0;
    let at = 0;
    while (at < bytes.length && isInterim(bytes, at)) {
      const end = bytes.indexOf(HEAD_END, at);
      // Some parsers read a bare line feed as the end of a line. undici refuses it, so this head goes to undici.
      if (hasBareLineFeed(bytes, at, end)) break;
      if (end === -1) {
        if (bytes.length - at >= this.headLimitBytes) break;
        // A copy, since the read's memory is used again.
        this.partialInterimHead = Buffer.from(bytes.subarray(at));
        return joined([...kept, bytes.subarray(keptFrom, at)]);
      }
      const next = end + HEAD_END.length;
      if (!isWanted(bytes, at)) {
        kept.push(bytes.subarray(keptFrom, at));
        keptFrom = next;
      }
      at = next;
    }
    if (at < bytes.length) this.beginHead(bytes.subarray(at));
    return kept.length === 0 ? bytes : joined([...kept, bytes.subarray(keptFrom)]);
  }

  private beginHead(bytes: Buffer): void {
    // undici ignores line breaks before a response, which are excess bytes of the response before it.
    if (this.hasServed && (bytes[0] === CR || bytes[0] === LF)) this.onExcess();
    this.state = 'head';
    this.readHead(bytes);
  }

  private readHead(read: Buffer): void {
    const bytes = this.headTail.length === 0 ? read : Buffer.concat([this.headTail, read]);
    const end = bytes.indexOf(HEAD_END);
    if (end === -1) {
      this.headTail = Buffer.from(bytes.subarray(1 - HEAD_END.length));
      return;
    }
    this.state = 'body';
    this.countBody(bytes.subarray(end + HEAD_END.length));
  }

  private countBody(bytes: Buffer): void {
    this.bodyBytes += bytes.length;
    const end = bytes.toString('latin1', Math.max(0, bytes.length - CHUNKED_END_BYTES));
    this.bodyEnd = end.length === CHUNKED_END_BYTES ? end : (this.bodyEnd + end).slice(-CHUNKED_END_BYTES);
  }
}

/** @param end position behind the last byte to check; -1 for all */
function hasBareLineFeed(bytes: Buffer, from: number, end: number): boolean {
  const last = end === -1 ? bytes.length : end;
  for (let at = bytes.indexOf(LF, from); at !== -1 && at < last; at = bytes.indexOf(LF, at + 1)) {
    if (at === from || bytes[at - 1] !== CR) return true;
  }
  return false;
}

function joined(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Whether the bytes at a position may be an interim response other than 101, as far as they go. */
function isInterim(bytes: Buffer, from: number): boolean {
  for (let index = 0; index < INTERIM.length && from + index < bytes.length; index++) {
    if (index !== VERSION_AT && bytes[from + index] !== INTERIM[index]) return false;
  }
  return bytes.length - from < STATUS_BYTES || statusEnd(bytes, from) !== '01';
}

/** Whether an interim head is early hints (RFC 8297), which pass to the client. */
function isWanted(bytes: Buffer, from: number): boolean {
  return statusEnd(bytes, from) === '03';
}

function statusEnd(bytes: Buffer, from: number): string {
  return bytes.toString('latin1', from + INTERIM.length, from + STATUS_BYTES);
}
