/** Formats the time of log lines. The lines of one millisecond share the text. */
export class TimestampClock {
  private lastAt = Number.NaN;
  private lastText = '';

  /** The time as RFC 3339 writes it, in UTC with milliseconds. */
  now(): string {
    const now = Date.now();
    if (now !== this.lastAt) {
      this.lastAt = now;
      this.lastText = new Date(now).toISOString();
    }
    return this.lastText;
  }
}
