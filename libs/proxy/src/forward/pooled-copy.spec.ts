import { PooledCopy } from './pooled-copy.js';

const LARGE = 64 * 1024;

const copy = (byte: number, length = LARGE): PooledCopy => PooledCopy.copyOf(Buffer.alloc(length, byte));

describe('the copy of a large read', () => {
  it('has the bytes of the read', () => {
    expect(copy(7, 40_000).bytes).toEqual(Buffer.alloc(40_000, 7));
  });

  it('has memory that is used again once it is released, and not before', () => {
    const first = copy(1);
    const memory = first.bytes.buffer;
    const second = copy(2);
    expect(second.bytes.buffer).not.toBe(memory);
    expect(first.bytes).toEqual(Buffer.alloc(LARGE, 1));

    first.release();

    const third = copy(3, 40_000);
    expect(third.bytes.buffer).toBe(memory);
    expect(third.bytes).toEqual(Buffer.alloc(40_000, 3));
  });

  it('is kept for its next use up to a bound', () => {
    const memory = Array.from({ length: 100 }, () => copy(0)).map((each) => {
      const { buffer } = each.bytes;
      setImmediate(each.release);
      return buffer;
    });

    return new Promise<void>((resolve) => {
      setImmediate(() => {
        const again = new Set(Array.from({ length: 100 }, () => copy(0).bytes.buffer));
        expect(memory.filter((buffer) => again.has(buffer)).length).toBeGreaterThan(0);
        expect(memory.filter((buffer) => again.has(buffer)).length).toBeLessThanOrEqual(64);
        resolve();
      });
    });
  });
});
