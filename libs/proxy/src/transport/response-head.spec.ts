import { announcesForbiddenBody, isBodiless, parseHead, parseTrailers } from './response-head.js';

const NOTHING = { phrase: '', headers: [], isPersistent: true, keepAliveMs: Infinity };

describe('a head', () => {
  it('has its parts: names, order, duplicates and bytes as they are, blanks around values not', () => {
    expect(parseHead('HTTP/1.1 404 Odd caf\xe9\r\nA:  b \r\nx-Y:\r\nA: \xff\tc\r\nContent-Length:0')).toEqual(
      {
        status: 404,
        phrase: 'Odd caf\xe9',
        headers: ['A', 'b', 'x-Y', '', 'A', '\xff\tc', 'Content-Length', '0'],
        contentLength: 0,
        isChunked: false,
        isPersistent: true,
        keepAliveMs: Infinity,
      },
    );
  });

  it.each([
    ['HTTP/1.0 999', 999, '', false],
    ['HTTP/1.1 100 ', 100, '', true],
    ['HTTP/1.1 200  a b ', 200, ' a b ', true],
  ])('may be one line: %j', (text, status, phrase, isPersistent) => {
    expect(parseHead(text)).toEqual({
      ...NOTHING,
      status,
      phrase,
      contentLength: -1,
      isChunked: false,
      isPersistent,
    });
  });

  it('says how its body is delimited and how long its connection stays', () => {
    const text =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nKeep-Alive: timeout=2';

    expect(parseHead(text)).toMatchObject({ isChunked: true, isPersistent: false, keepAliveMs: 2_000 });
  });

  it.each([
    ['no version', 'HTTP 200 OK'],
    ['a version in lower case', 'http/1.1 200 OK'],
    ['no status', 'HTTP/1.1'],
    ['a status of letters', 'HTTP/1.1 2OO OK'],
    ['a byte before it', ' HTTP/1.1 200 OK'],
    ['an empty line', 'HTTP/1.1 200 OK\r\n\r\nA: b'],
    ['a line end at its end', 'HTTP/1.1 200 OK\r\n'],
    ['a bare line feed', 'HTTP/1.1 200 OK\nA: b'],
    ['a bare carriage return', 'HTTP/1.1 200 OK\rA: b'],
    ['a control in its phrase', 'HTTP/1.1 200 O\0K'],
    ['a field without a colon', 'HTTP/1.1 200 OK\r\nA'],
    ['a field without a name', 'HTTP/1.1 200 OK\r\n: b'],
    ['a blank in a name', 'HTTP/1.1 200 OK\r\nA b: c'],
    ['a letter beyond ASCII in a name', 'HTTP/1.1 200 OK\r\n\xe4: b'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n\tc'],
    ['NUL in a value', 'HTTP/1.1 200 OK\r\nA: \0'],
  ])('with %s is malformed', (_what, text) => {
    expect(() => parseHead(text)).toThrow('malformed head');
  });

  it.each([
    ['Content-Length: 1\r\nTransfer-Encoding: chunked', 'both'],
    ['Transfer-Encoding: chunked\r\nContent-Length: 0', 'both'],
    ['Content-Length: 5\t', 'invalid Content-Length'],
    ['Transfer-Encoding: chunked\t', 'besides chunked'],
  ])('is refused for its framing: %j', (fields, message) => {
    expect(() => parseHead(`HTTP/1.1 200 OK\r\n${fields}`)).toThrow(message);
  });

  it('has at most 2,000 fields', () => {
    const withFields = (count: number): string => `HTTP/1.1 200 OK${'\r\nA: b'.repeat(count)}`;

    expect(parseHead(withFields(2_000)).headers).toHaveLength(4_000);
    expect(() => parseHead(withFields(2_001))).toThrow('too many header fields');
  });
});

describe('a status', () => {
  it.each([
    [204, true],
    [304, true],
    [200, false],
    [205, false],
    [404, false],
  ])('%d has no body: %s', (status, isEmpty) => {
    expect(isBodiless(status)).toBe(isEmpty);
  });

  it.each([
    [204, 'Content-Length: 5', true],
    [204, 'Content-Length: 0', false],
    [204, 'Transfer-Encoding: chunked', true],
    [304, 'Content-Length: 5', false],
    [304, 'Transfer-Encoding: chunked', true],
    [200, 'Content-Length: 5', false],
    [204, 'A: b', false],
  ])('%d with %s announces a body that it must not have: %s', (status, field, isForbidden) => {
    expect(announcesForbiddenBody(parseHead(`HTTP/1.1 ${status} X\r\n${field}`))).toBe(isForbidden);
  });
});

describe('trailers', () => {
  it('are fields, as they are', () => {
    expect(parseTrailers('A: b\r\na:\tc \r\n')).toEqual(['A', 'b', 'a', 'c']);
    expect(parseTrailers('')).toEqual([]);
  });

  it.each(['A\r\n', 'A: b', 'A: b\n', ': b\r\n', 'A : b\r\n', 'A: b\r\n c\r\n', 'A: \0\r\n', '\r\n'])(
    'are malformed: %j',
    (text) => {
      expect(() => parseTrailers(text)).toThrow('malformed trailers');
    },
  );

  it.each(['Content-Length', 'TRANSFER-ENCODING'])('must not have %s', (name) => {
    expect(() => parseTrailers(`A: b\r\n${name}: 5\r\n`)).toThrow(`${name} in trailers`);
  });
});
