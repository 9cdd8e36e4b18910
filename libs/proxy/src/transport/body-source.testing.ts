import type { BodySink, BodySource } from './upstream-call.js';

/** A body whose chunks the test sends. */
export class TestBodySource implements BodySource {
  sink!: BodySink;
  drains = 0;

  constructor(readonly isChunked = false) {}

  sendTo(sink: BodySink): void {
    this.sink = sink;
  }

  onDrain(): void {
    this.drains++;
  }
}
