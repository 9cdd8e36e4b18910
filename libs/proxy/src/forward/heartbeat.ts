import type { ServerResponse } from 'node:http';
import type { EventStream } from './event-stream.js';

/** A comment, which clients ignore (HTML standard, section 9.2.7). */
const COMMENT = ':\n\n';

/** Sends a comment between two events of a silent event stream, so that nobody between the service and the client cuts it. */
export class Heartbeat {
  private passedBytes = 0;
  /** In milliseconds of `performance.now()`. */
  private silentSince = performance.now();

  /** @param intervalMs milliseconds of silence before a comment, and between two */
  constructor(
    private readonly response: ServerResponse,
    private readonly events: EventStream,
    private readonly intervalMs: number,
  ) {}

  /** Called at each tick. A comment may be late by two ticks. */
  tick(now: number): void {
    const { response, events } = this;
    if (events.passedBytes !== this.passedBytes) {
      this.passedBytes = events.passedBytes;
      this.silentSince = now;
      return;
    }
    const isDue = now - this.silentSince >= this.intervalMs && events.isBetweenEvents;
    // What waits for a client that does not read is no silence.
    if (!isDue || response.writableEnded || response.writableLength > 0) return;
    response.write(COMMENT);
    events.noteOthers();
    this.silentSince = now;
  }
}
