import { ChunkedDecoder } from './chunked-decoder.js';

const LIMIT_BYTES = 50;

interface Decoded {
  content: string;
  trailers: readonly string[];
  isDone: boolean;
  /** Bytes that it has read. */
  readBytes: number;
}

/** Decodes a text in reads of a size, each in the middle of memory with other bytes around it. */
function decode(text: string, size = text.length, decoder = new ChunkedDecoder(LIMIT_BYTES)): Decoded {
  const decoded: Decoded = { content: '', trailers: [], isDone: false, readBytes: 0 };
  decoder.reset();
  for (let at = 0; at < text.length && !decoder.isDone; at += size) {
    const memory = Buffer.alloc(size + 10, '\r\n');
    const to = 4 + memory.write(text.slice(at, at + size), 4, 'latin1');
    decoder.decode(memory, 4, to);
    decoded.content += memory.toString('latin1', decoder.start, decoder.end);
    decoded.readBytes += decoder.position - 4;
  }
  return { ...decoded, trailers: decoder.trailers, isDone: decoder.isDone };
}

const END = '0\r\n\r\n';

describe('a body in chunks', () => {
  it.each([
    ['one chunk', `5\r\nhello\r\n${END}`, 'hello'],
    ['some chunks', `2\r\nhe\r\n1\r\nl\r\n2\r\nlo\r\n${END}`, 'hello'],
    [
      'sizes with zeros and letters',
      `00a\r\n0123456789\r\nB\r\n0123456789a\r\n${END}`,
      '01234567890123456789a',
    ],
    ['line ends and sizes in its chunks', `7\r\n\r\n0\r\n\r\n\r\n${END}`, '\r\n0\r\n\r\n'],
    ['extensions', `1;a\r\nx\r\n1;b=c;d="e; \t"\r\ny\r\n0;z\r\n\r\n`, 'xy'],
    ['no chunk', END, ''],
  ])('of %s is its content, cut at each byte', (_what, text, content) => {
    for (let size = 1; size <= text.length; size++) {
      expect(decode(text, size)).toEqual({ content, trailers: [], isDone: true, readBytes: text.length });
      expect(decode(text.slice(0, -1), size).isDone).toBe(false);
    }
  });

  it('reads no byte behind its end', () => {
    const text = `2\r\nok\r\n${END}`;

    for (const more of ['x', '\r\n', END]) {
      expect(decode(text + more)).toMatchObject({ content: 'ok', readBytes: text.length });
    }
  });

  it('has its trailers, cut at each byte', () => {
    const text = '1\r\nx\r\n0\r\nA: b\r\na:\tc \r\n\r\n';

    for (let size = 1; size <= text.length; size++) {
      expect(decode(text, size)).toMatchObject({
        content: 'x',
        trailers: ['A', 'b', 'a', 'c'],
        isDone: true,
      });
    }
  });

  it('has nothing of the body before it', () => {
    const decoder = new ChunkedDecoder(LIMIT_BYTES);
    decode('1\r\nx\r\n0\r\nA: b\r\n\r\n', 3, decoder);
    decode('1;half a li', 3, decoder);

    expect(decode(`2\r\nok\r\n${END}`, 3, decoder)).toMatchObject({
      content: 'ok',
      trailers: [],
      isDone: true,
    });
  });
});

describe('a body in chunks is refused', () => {
  it.each([
    ['an empty size', '\r\n', 'chunk size'],
    ['a size of other letters', 'g\r\n', 'chunk size'],
    ['a size with a sign', '+1\r\n', 'chunk size'],
    ['a size as in JavaScript', '0x1\r\n', 'chunk size'],
    ['a blank before a size', ' 1\r\n', 'chunk size'],
    ['a blank behind a size', '1 \r\n', 'chunk size'],
    ['a size of 2^56', `1${'0'.repeat(14)}\r\n`, 'chunk size'],
    ['a control in an extension', '1;a="\x01"\r\n', 'chunk size'],
    ['an extension without a name', '1;\r\n', 'chunk size'],
    ['an open quote', '1;a="\r\n', 'chunk size'],
    ['a bare line feed behind a size', '1\nx', 'line feed without'],
    ['a bare carriage return in a size', '1\rx\r\n', 'chunk size'],
    ['a byte too many in a chunk', '1\r\nxy\r\n', 'no line end'],
    ['a bare line feed behind a chunk', '1\r\nx\n1\r\n', 'no line end'],
    ['a bare carriage return behind a chunk', '1\r\nx\r1\r\n', 'no line end'],
    ['a bare line feed behind a trailer', '0\r\nA: b\n\r\n', 'line feed without'],
    ['a malformed trailer', '0\r\nA\r\n\r\n', 'malformed trailers'],
    ['a length in its trailers', '0\r\nContent-Length: 5\r\n\r\n', 'in trailers'],
  ])('for %s, cut at each byte', (_what, text, message) => {
    for (let size = 1; size <= text.length; size++) expect(() => decode(text, size)).toThrow(message);
  });

  it('for a line of a chunk without an end', () => {
    for (const size of [1, 1_000, 5_000]) expect(() => decode('0'.repeat(5_000), size)).toThrow('too long');
    expect(decode(`${'0'.repeat(4_000)}1\r\nx\r\n${END}`, 100).content).toBe('x');
  });

  it('for trailers past their limit, in one line or in many', () => {
    expect(decode(`0\r\nA: ${'b'.repeat(LIMIT_BYTES - 5)}\r\n\r\n`).isDone).toBe(true);
    for (const size of [1, 10, 1_000]) {
      expect(() => decode(`0\r\nA: ${'b'.repeat(LIMIT_BYTES)}`, size)).toThrow('too long');
      expect(() => decode(`0\r\n${'A: b\r\n'.repeat(LIMIT_BYTES)}`, size)).toThrow('trailers too large');
    }
  });
});
