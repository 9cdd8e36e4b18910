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
    let bytes = this.unfinished.length === 0 ? read : Buffer.concat([this.unfinished, read]);
    let kept = EMPTY;
    this.unfinished = EMPTY;
    while (bytes.length > 0 && isInterim(bytes)) {
      const end = headEnd(bytes);
      if (end === undefined) {
        if (bytes.length >= this.headLimitBytes) break;
        // A copy, since the read's memory is used again.
        this.unfinished = Buffer.from(bytes);
        return kept;
      }
      if (isWanted(bytes)) kept = Buffer.concat([kept, bytes.subarray(0, end)]);
      bytes = bytes.subarray(end);
    }
    if (bytes.length === 0) return kept;
    this.isBeforeResponse = false;
    return kept.length === 0 ? bytes : Buffer.concat([kept, bytes]);
  }
}

function headEnd(bytes: Buffer): number | undefined {
  const at = bytes.indexOf(HEAD_END);
  return at === -1 ? undefined : at + HEAD_END.length;
}

/** Whether the bytes begin, as far as they go, with an interim response other than 101. */
function isInterim(bytes: Buffer): boolean {
  for (let index = 0; index < START.length && index < bytes.length; index++) {
    if (index !== VERSION_AT && bytes[index] !== START[index]) return false;
  }
  return bytes.length < STATUS_BYTES || bytes.toString('latin1', START.length, STATUS_BYTES) !== '01';
}

/** Whether they are early hints (RFC 8297), which the client gets. */
function isWanted(bytes: Buffer): boolean {
  return bytes.toString('latin1', START.length, STATUS_BYTES) === '03';
}
