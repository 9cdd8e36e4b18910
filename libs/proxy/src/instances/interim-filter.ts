/** What an interim response begins with, less the minor version and the last two digits of its status. */
const START = Buffer.from('HTTP/1.x 1');
const VERSION_AT = START.indexOf('x');
const HEAD_END = '\r\n\r\n';

/** Bytes up to the status' last digit. */
const STATUS_BYTES = START.length + 2;

const EMPTY = Buffer.alloc(0);

/**
 * Takes the interim responses that nobody expects, all but 101 and 103, out of what a service sends before its response
 * (RFC 9110, section 15.2): undici takes an unasked 100 for a broken connection.
 */
export class InterimFilter {
  private isBeforeResponse = false;
  /** The beginning of a head that is not whole yet. */
  private unfinished = EMPTY;

  /** @param headLimitBytes most bytes of an interim head that are kept; past it undici gets them */
  constructor(private readonly headLimitBytes: number) {}

  /** A request was sent: what comes next is the head of its response, or an interim one. */
  expectResponse(): void {
    this.isBeforeResponse = true;
    this.unfinished = EMPTY;
  }

  /** The bytes of a read that are for undici; may be none. */
  filter(read: Buffer): Buffer {
    if (!this.isBeforeResponse) return read;
    const bytes = this.unfinished.length === 0 ? read : Buffer.concat([this.unfinished, read]);
    this.unfinished = EMPTY;
    const kept: Buffer[] = [];
    let keptFrom = 0;
    let at = 0;
    while (at < bytes.length && isInterim(bytes, at)) {
      const end = bytes.indexOf(HEAD_END, at);
      if (end === -1) return this.keepUnfinished(bytes, at, [...kept, bytes.subarray(keptFrom, at)]);
      const next = end + HEAD_END.length;
      if (!isWanted(bytes, at)) {
        kept.push(bytes.subarray(keptFrom, at));
        keptFrom = next;
      }
      at = next;
    }
    if (at < bytes.length) this.isBeforeResponse = false;
    return joined([...kept, bytes.subarray(keptFrom)]);
  }

  /** @param kept what is for undici of the bytes before `at`, where a head begins that is not whole */
  private keepUnfinished(bytes: Buffer, at: number, kept: readonly Buffer[]): Buffer {
    if (bytes.length - at >= this.headLimitBytes) {
      this.isBeforeResponse = false;
      return joined([...kept, bytes.subarray(at)]);
    }
    // A copy, since the read's memory is used again.
    this.unfinished = Buffer.from(bytes.subarray(at));
    return joined(kept);
  }
}

function joined(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Whether the bytes from there on begin, as far as they go, with an interim response other than 101. */
function isInterim(bytes: Buffer, from: number): boolean {
  for (let index = 0; index < START.length && from + index < bytes.length; index++) {
    if (index !== VERSION_AT && bytes[from + index] !== START[index]) return false;
  }
  return bytes.length - from < STATUS_BYTES || statusEnd(bytes, from) !== '01';
}

/** Whether they are early hints (RFC 8297), which the client gets. */
function isWanted(bytes: Buffer, from: number): boolean {
  return statusEnd(bytes, from) === '03';
}

function statusEnd(bytes: Buffer, from: number): string {
  return bytes.toString('latin1', from + START.length, from + STATUS_BYTES);
}
