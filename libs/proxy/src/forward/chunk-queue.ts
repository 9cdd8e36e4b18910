/** Number of unjoined chunks at which they are joined into one. */
const JOIN_AT = 64;

/**
 * Chunks of a body that wait for their reader. Many small ones are joined: a client may send each byte in a chunk of its own,
 * and a `Buffer` of one byte costs more than 100 bytes and a write.
 */
export class ChunkQueue {
  private readonly chunks: Buffer[] = [];
  /** Index of the first chunk that was not joined. */
  private joined = 0;
  private waitingBytes = 0;

  /** Bytes of all chunks. */
  get bytes(): number {
    return this.waitingBytes;
  }

  push(chunk: Buffer): void {
    this.waitingBytes += chunk.length;
    if (this.chunks.push(chunk) - this.joined < JOIN_AT) return;
    this.chunks.push(Buffer.concat(this.chunks.splice(this.joined)));
    this.joined++;
  }

  /** Removes the next chunk, or all joined if there are more than two; undefined if the queue is empty. */
  shift(): Buffer | undefined {
    const { chunks } = this;
    if (chunks.length === 0) return undefined;
    const taken = chunks.length <= 2 ? chunks.shift()! : this.whole();
    this.waitingBytes -= taken.length;
    if (this.waitingBytes === 0) this.clear();
    else this.joined = 0;
    return taken;
  }

  /** All chunks as one buffer; they stay in the queue. */
  whole(): Buffer {
    return this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
  }

  clear(): void {
    this.chunks.length = this.joined = this.waitingBytes = 0;
  }
}
