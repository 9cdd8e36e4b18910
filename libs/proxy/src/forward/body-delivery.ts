import type { BodySink } from '../transport/upstream-call.js';
import { ChunkQueue } from './chunk-queue.js';

/** Chunks as large as this go to the service at once. Smaller ones wait for others of the same turn of the event loop. */
const LARGE_CHUNK_BYTES = 4 * 1024;

/** Whose body is delivered. */
export interface DeliveryOwner {
  /** The sink takes more than what waits, or there is none. */
  onRoom(): void;
}

/** Delivers the chunks of a body to the connection of a call, as fast as it takes them. Without a sink they wait. */
export class BodyDelivery {
  private readonly waiting = new ChunkQueue();
  private sink: BodySink | undefined;
  /** Whether the sink takes no more at present. */
  isFull = false;
  private timer: NodeJS.Immediate | undefined;
  /** Undefined until the body is complete. */
  private trailers: readonly string[] | undefined;

  constructor(private readonly owner: DeliveryOwner) {}

  /** Bytes that wait. */
  get bytes(): number {
    return this.waiting.bytes;
  }

  /** What waits, as one buffer. */
  whole(): Buffer {
    return this.waiting.whole();
  }

  start(sink: BodySink): void {
    this.sink = sink;
    this.deliver();
  }

  push(chunk: Buffer): void {
    this.waiting.push(chunk);
    if (!this.sink) return;
    if (chunk.length >= LARGE_CHUNK_BYTES) this.deliver();
    // Once in a turn: a client may send each byte in a chunk of its own, and each would be a write.
    else this.timer ??= setImmediate(onTurn, this);
  }

  /** No chunk follows. @param trailers for the service */
  end(trailers: readonly string[]): void {
    this.trailers = trailers;
    this.deliver();
  }

  /** The sink takes more. */
  onDrain(): void {
    this.isFull = false;
    this.deliver();
  }

  /** Discards what waits. */
  stop(): void {
    this.sink = undefined;
    this.waiting.clear();
    clearImmediate(this.timer);
  }

  /** Sends what waits, until the sink takes no more. */
  deliver(): void {
    clearImmediate(this.timer);
    this.timer = undefined;
    while (this.sink && !this.isFull) {
      const chunk = this.waiting.shift();
      if (!chunk) break;
      this.isFull = !this.sink.writeBody(chunk);
    }
    if (!this.isFull) this.owner.onRoom();
    if (this.trailers && this.waiting.bytes === 0) this.endSink(this.trailers);
  }

  private endSink(trailers: readonly string[]): void {
    const { sink } = this;
    this.sink = undefined;
    sink?.endBody(trailers);
  }
}

/** Shared: a closure for each body would stay in V8's old generation. */
function onTurn(delivery: BodyDelivery): void {
  delivery.deliver();
}
