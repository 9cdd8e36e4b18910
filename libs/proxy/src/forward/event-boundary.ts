const CR = 0x0d;
const LF = 0x0a;

/**
 * Finds the ends of events in an event stream (HTML standard, section 9.2.5): a line ends with CR, LF or CRLF, an event with
 * an empty line.
 */
export class EventBoundary {
  private isLineEmpty = true;
  private isBehindCr = false;
  private isBetween = true;

  /** Whether the bytes so far end with an event. */
  get isBetweenEvents(): boolean {
    return this.isBetween;
  }

  /** Reads the next bytes. @returns the position behind the first end of an event in them; -1 if there is none */
  read(bytes: Buffer): number {
    let end = -1;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === LF && this.isBehindCr) {
        // The second byte of a CRLF.
        this.isBehindCr = false;
        if (end === at) end = at + 1;
      } else if (byte === CR || byte === LF) {
        this.isBehindCr = byte === CR;
        if (this.isLineEmpty) {
          this.isBetween = true;
          if (end === -1) end = at + 1;
        }
        this.isLineEmpty = true;
      } else {
        this.isLineEmpty = this.isBehindCr = this.isBetween = false;
      }
    }
    return end;
  }
}
