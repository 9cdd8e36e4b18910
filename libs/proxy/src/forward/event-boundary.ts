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

  /**
   * Reads the bytes from a position on, until an event ends. If the LF of the CRLF that ends it comes later, that ends it again.
   * @returns the position behind its end; -1 if none ends, and all bytes were read
   */
  readEvent(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === LF && this.isBehindCr) {
        // The second byte of a CRLF, in a read of its own.
        this.isBehindCr = false;
        if (this.isBetween) return at + 1;
      } else if (byte === CR || byte === LF) {
        this.isBehindCr = byte === CR && bytes[at + 1] !== LF;
        const end = byte === CR && !this.isBehindCr ? at + 2 : at + 1;
        if (this.isLineEmpty) {
          this.isBetween = true;
          return end;
        }
        this.isLineEmpty = true;
        at = end - 1;
      } else {
        this.isLineEmpty = this.isBehindCr = this.isBetween = false;
      }
    }
    return -1;
  }
}
