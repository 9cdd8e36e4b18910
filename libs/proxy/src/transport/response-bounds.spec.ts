import { ResponseBounds, type ResponseFraming } from './response-bounds.js';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const PROCESSING = 'HTTP/1.0 102 Processing\r\nX: 1\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n';
const FINAL = `HTTP/1.1 200 OK\r\nContent-Length: ${CONTINUE.length}\r\n\r\n${CONTINUE}`;

const unexpected = (): void => {
  throw new Error('more than the response');
};

/** What is left of bytes that come in reads of a size. */
function filtered(text: string, size = text.length, limit = 1_000): string {
  const filter = new ResponseBounds(limit, unexpected);
  filter.expectResponse();
  let left = '';
  for (let at = 0; at < text.length; at += size) {
    left += filter.filter(Buffer.from(text.slice(at, at + size), 'latin1')).toString('latin1');
  }
  return left;
}

describe('what comes before a response', () => {
  const CASES: readonly [string, string, string][] = [
    ['a response alone', FINAL, FINAL],
    ['an unasked 100', CONTINUE + FINAL, FINAL],
    ['several', CONTINUE + PROCESSING + CONTINUE + FINAL, FINAL],
    ['early hints between others', CONTINUE + HINTS + PROCESSING + FINAL, HINTS + FINAL],
    ['two early hints', HINTS + HINTS + FINAL, HINTS + HINTS + FINAL],
    ['101', CONTINUE + SWITCHING, SWITCHING],
    ['an unknown one', `HTTP/1.1 199 Odd\r\n\r\n${FINAL}`, FINAL],
    ['what is no HTTP', 'HTTP/2.0 100 Continue\r\n\r\n', 'HTTP/2.0 100 Continue\r\n\r\n'],
    ['a bare line feed in it', `HTTP/1.1 100 Continue\n\n${FINAL}`, `HTTP/1.1 100 Continue\n\n${FINAL}`],
    ['one behind its line', `HTTP/1.1 100 C\r\n\n${FINAL}`, `HTTP/1.1 100 C\r\n\n${FINAL}`],
    [
      'one behind a good one',
      `${CONTINUE}HTTP/1.1 102 P\r\nX: a\n\n${FINAL}`,
      `HTTP/1.1 102 P\r\nX: a\n\n${FINAL}`,
    ],
    ['garbage', '\x16\x03\x01', '\x16\x03\x01'],
  ];

  it.each(CASES)('of %s leaves what undici must read, however it is split', (_what, sent, left) => {
    for (let size = 1; size <= sent.length; size++)
      expect([size, filtered(sent, size)]).toEqual([size, left]);
  });

  it('is not looked for in its body', () => {
    const filter = new ResponseBounds(1_000, unexpected);
    filter.expectResponse();
    filter.filter(Buffer.from(FINAL.slice(0, -CONTINUE.length)));

    expect(filter.filter(Buffer.from(CONTINUE)).toString()).toBe(CONTINUE);
    filter.expectResponse();
    expect(filter.filter(Buffer.from(CONTINUE + FINAL)).toString()).toBe(FINAL);
  });

  it('keeps no more of a head than its limit', () => {
    const endless = `HTTP/1.1 100 ${'x'.repeat(200)}`;

    expect(filtered(endless, 10, 100)).toBe(endless.slice(0, 213));
  });

  it('keeps its own copy of what is unfinished', () => {
    const filter = new ResponseBounds(1_000, unexpected);
    filter.expectResponse();
    const shared = Buffer.from(FINAL.slice(0, 8));
    filter.filter(shared);
    shared.fill(0);

    expect(filter.filter(Buffer.from(FINAL.slice(8))).toString()).toBe(FINAL);
  });
});

describe('what comes behind a response', () => {
  const LENGTH: ResponseFraming = { contentLength: 2, isChunked: false, mayHaveBody: true };
  const CHUNKED: ResponseFraming = { contentLength: -1, isChunked: true, mayHaveBody: true };
  const NONE: ResponseFraming = { contentLength: 2, isChunked: false, mayHaveBody: false };
  const CLOSE: ResponseFraming = { contentLength: -1, isChunked: false, mayHaveBody: true };

  /** How many bytes were found to be too many, in reads of a size. */
  function excess(text: string, framing: ResponseFraming, size: number): number {
    let found = 0;
    const bounds = new ResponseBounds(1_000, () => found++);
    bounds.expectResponse();
    for (let at = 0; at < text.length; at += size) bounds.filter(Buffer.from(text.slice(at, at + size)));
    bounds.endResponse(framing);
    return found;
  }

  const WHOLE: readonly [string, string, ResponseFraming][] = [
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', LENGTH],
    ['a body of line breaks', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\r\n', LENGTH],
    ['chunks', 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n2\r\nok\r\n0\r\n\r\n', CHUNKED],
    ['no chunk', 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n0\r\n\r\n', CHUNKED],
    ['trailers', 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n2\r\n\r\n\r\n0\r\nX: y\r\n\r\n', CHUNKED],
    ['no body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n', NONE],
    ['early hints before it', `${HINTS}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`, LENGTH],
  ];

  it.each(WHOLE)('is found in every form, and nothing else: %s', (_what, response, framing) => {
    for (let size = 1; size <= response.length + 4; size++) {
      expect([size, excess(response, framing, size)]).toEqual([size, 0]);
      for (const more of ['\r\n', '\n', '\r', '\r\n\r\n', 'x', ' ']) {
        expect([size, more, excess(response + more, framing, size)]).toEqual([size, more, 1]);
      }
    }
  });

  it('is nothing if the connection is the end', () => {
    expect(excess('HTTP/1.1 200 OK\r\n\r\nall\r\n\r\n', CLOSE, 5)).toBe(0);
  });

  it('is found later too, until the next request', () => {
    let found = 0;
    const bounds = new ResponseBounds(1_000, () => found++);
    bounds.filter(Buffer.from('before any request'));
    bounds.expectResponse();
    bounds.filter(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'));
    bounds.endResponse(NONE);
    expect(found).toBe(0);

    expect(bounds.filter(Buffer.from('\r\n'))).toHaveLength(0);
    expect(found).toBe(1);
    bounds.expectResponse();
    bounds.filter(Buffer.from('\nHTTP/1.1 200 OK\r\n'));
    expect(found).toBe(2);
  });
});
