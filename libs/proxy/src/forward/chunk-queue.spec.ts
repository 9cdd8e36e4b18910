import { ChunkQueue } from './chunk-queue.js';

const BYTES = 10_000;

function filled(count: number): ChunkQueue {
  const queue = new ChunkQueue();
  for (let index = 0; index < count; index++) queue.push(Buffer.of(index % 251));
  return queue;
}

function takenFrom(queue: ChunkQueue): Buffer[] {
  const taken: Buffer[] = [];
  for (let chunk = queue.shift(); chunk; chunk = queue.shift()) taken.push(chunk);
  return taken;
}

describe('ChunkQueue', () => {
  it.each([1, 2, 3, 63, 64, 65, 129, BYTES])('gives %i chunks of a byte in order, in few parts', (count) => {
    const queue = filled(count);
    expect(queue.bytes).toBe(count);

    const taken = takenFrom(queue);

    expect(Buffer.concat(taken)).toEqual(Buffer.from(Array.from({ length: count }, (_, i) => i % 251)));
    expect(taken.length).toBeLessThanOrEqual(2);
    expect(queue.bytes).toBe(0);
  });

  it('joins what comes after a part was taken', () => {
    const queue = filled(2);
    const first = queue.shift();
    for (let index = 0; index < BYTES; index++) queue.push(Buffer.of(7));

    expect([first, ...takenFrom(queue)].map((part) => part!.length)).toEqual([1, BYTES + 1]);
  });

  it('gives large chunks as they came, without a copy', () => {
    const queue = new ChunkQueue();
    const chunks = [Buffer.alloc(64 * 1024, 1), Buffer.alloc(64 * 1024, 2)];
    for (const chunk of chunks) queue.push(chunk);

    expect(queue.shift()).toBe(chunks[0]);
    expect(queue.shift()).toBe(chunks[1]);
    expect(queue.shift()).toBeUndefined();
  });

  it('has nothing after it was cleared', () => {
    const queue = filled(200);
    queue.clear();

    expect([queue.bytes, queue.shift(), queue.whole().length]).toEqual([0, undefined, 0]);
  });
});
