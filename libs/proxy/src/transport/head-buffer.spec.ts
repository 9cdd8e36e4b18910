import { HeadBuffer } from './head-buffer.js';

const HEAD = 'HTTP/1.1 200 OK\r\nA: b\r\nC: d';
const WHOLE = `${HEAD}\r\n\r\n`;
const LIMIT_BYTES = 100;

interface Found {
  readonly head: string | undefined;
  /** The bytes behind the head, of the read in which it ends. */
  readonly rest: string;
}

/** Reads a text in parts, from memory that is overwritten behind each. */
function readInParts(buffer: HeadBuffer, parts: readonly string[]): Found {
  const memory = Buffer.alloc(1_000);
  for (const part of parts) {
    memory.fill('\r\n\r\n');
    const length = memory.write(part, 5, 'latin1');
    const end = buffer.findEnd(memory, 5, 5 + length);
    if (end !== -1) {
      return { head: buffer.take(memory, 5, end), rest: memory.toString('latin1', end, 5 + length) };
    }
    buffer.keep(memory.subarray(5, 5 + length));
  }
  return { head: undefined, rest: '' };
}

const partsOf = (text: string, size: number): string[] => text.match(new RegExp(`[^]{1,${size}}`, 'g'))!;

describe('a buffer of heads', () => {
  it('finds the end of a head, cut at each byte, and leaves the bytes behind it', () => {
    const text = `${WHOLE}\r\n\r\nbody`;
    for (let at = 1; at < text.length; at++) {
      const { head, rest } = readInParts(new HeadBuffer(LIMIT_BYTES), [text.slice(0, at), text.slice(at)]);

      const isInFirst = at >= WHOLE.length;
      expect([at, head, rest]).toEqual([at, HEAD, text.slice(WHOLE.length, isInFirst ? at : undefined)]);
    }
  });

  it.each([1, 2, 3, 4, 5])('finds the end of a head that comes %d bytes at a time', (size) => {
    expect(readInParts(new HeadBuffer(LIMIT_BYTES), partsOf(WHOLE, size)).head).toBe(HEAD);
  });

  it('takes one head after another', () => {
    const buffer = new HeadBuffer(LIMIT_BYTES);

    for (const size of [1, 7, WHOLE.length, 1, 2, 3, 4]) {
      expect(readInParts(buffer, partsOf(WHOLE, size)).head).toBe(HEAD);
    }
  });

  it('has nothing of an earlier head after it was cleared', () => {
    const buffer = new HeadBuffer(LIMIT_BYTES);
    readInParts(buffer, [WHOLE.slice(0, -1)]);

    buffer.clear();

    expect(() => readInParts(buffer, ['\n'])).toThrow('line feed without carriage return');
  });

  it.each([1, 9, 1_000])('refuses a head past its limit, %d bytes at a time', (size) => {
    const fits = `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(LIMIT_BYTES - 24)}\r\n\r\n`;
    const parts = (text: string): string[] => partsOf(text, size);
    expect(fits).toHaveLength(LIMIT_BYTES);

    expect(readInParts(new HeadBuffer(LIMIT_BYTES), parts(fits)).head).toBe(fits.slice(0, -4));
    expect(() => readInParts(new HeadBuffer(LIMIT_BYTES - 1), parts(fits))).toThrow('too large');
    // Without an end: a service that sends on and on.
    expect(() => readInParts(new HeadBuffer(LIMIT_BYTES), parts('HTTP/1.1 2'.padEnd(200, '0')))).toThrow(
      'large',
    );
  });

  it.each([
    ['another protocol', 'SSH-2.0'],
    ['another protocol, from its second byte on', 'HSTS'],
    ['another version', 'HTTP/2'],
    ['a line end before it', '\r\n'],
  ])('refuses %s before it is whole', (_what, text) => {
    for (const size of [1, text.length]) {
      expect(() => readInParts(new HeadBuffer(LIMIT_BYTES), partsOf(text, size))).toThrow('not HTTP/1.1');
    }
  });

  it('refuses a bare line feed before the head is whole, be it the first byte of a read', () => {
    for (const size of [1, 2, 100]) {
      expect(() => readInParts(new HeadBuffer(LIMIT_BYTES), partsOf('HTTP/1.1 200 OK\nA', size))).toThrow(
        'line feed without carriage return',
      );
    }
  });
});
