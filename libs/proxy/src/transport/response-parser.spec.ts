import type { ResponseHead } from './response-head.js';
import type { ResponseListener } from './response-listener.js';
import { ResponseParser } from './response-parser.js';

/** What a listener has seen of a response. */
class Seen implements ResponseListener {
  readonly interim: number[] = [];
  head: ResponseHead | undefined;
  body = '';
  trailers: readonly string[] | undefined;
  wasLast = false;

  onInterim({ status }: ResponseHead): void {
    this.interim.push(status);
  }

  onHead(head: ResponseHead): void {
    this.head = head;
  }

  onBody(bytes: Buffer, isLast: boolean): void {
    expect(bytes.length).toBeGreaterThan(0);
    this.body += bytes.toString('latin1');
    this.wasLast = isLast;
  }

  onEnd(trailers: readonly string[]): void {
    this.trailers = trailers;
  }
}

interface Parsed {
  readonly seen: Seen;
  readonly parser: ResponseParser;
}

/** Parses a text in reads of a size, from memory that is overwritten behind each read. */
function parse(text: string, { size = text.length, isHeadRequest = false, limit = 1_000 } = {}): Parsed {
  const seen = new Seen();
  const parser = new ResponseParser(limit);
  parser.expect(seen, isHeadRequest);
  const memory = Buffer.alloc(size + 20, '\r\n\r\n');
  for (let at = 0; at < text.length; at += size) {
    const length = memory.write(text.slice(at, at + size), 'latin1');
    parser.read(memory, length);
    memory.fill('\r\n\r\n');
  }
  return { seen, parser };
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

const WHOLE: readonly [string, string, string][] = [
  ['a length', `${OK}Content-Length: 5\r\n\r\nhello`, 'hello'],
  ['no phrase', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'ok'],
  ['an empty body', `${OK}Content-Length: 0\r\n\r\n`, ''],
  ['line ends in its body', `${OK}Content-Length: 4\r\n\r\n\r\n\r\n`, '\r\n\r\n'],
  ['chunks', `${CHUNKED}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`, 'hello'],
  ['chunks of line ends', `${CHUNKED}2\r\n\r\n\r\n4\r\n0\r\n\r\r\n0\r\n\r\n`, '\r\n0\r\n\r'],
  ['a chunk of 26 bytes', `${CHUNKED}1A\r\n${'x'.repeat(26)}\r\n0\r\n\r\n`, 'x'.repeat(26)],
  ['extensions of chunks', `${CHUNKED}02;a;b=c;d="e; f"\r\nok\r\n0;a\r\n\r\n`, 'ok'],
  ['no chunk', `${CHUNKED}0\r\n\r\n`, ''],
  ['trailers', `${CHUNKED}2\r\nok\r\n0\r\nA: b\r\nC:d \r\n\r\n`, 'ok'],
  [
    'responses before it',
    `HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 H\r\nLink: x\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    'ok',
  ],
  ['no body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', ''],
  ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
];

describe('a response', () => {
  it.each(WHOLE)(
    'with %s is whole, however it is split, and a byte behind it is seen',
    (_what, text, body) => {
      for (let size = 1; size <= text.length; size++) {
        const { seen, parser } = parse(text, { size });
        expect([size, seen.body, parser.hasExcess, parser.isExpecting]).toEqual([size, body, false, false]);
        expect(seen.trailers).toBeDefined();
        for (const more of ['\r', '\n', 'x', '\r\n', OK]) {
          const excess = parse(text + more, { size });
          expect([size, more, excess.seen.body, excess.parser.hasExcess]).toEqual([size, more, body, true]);
        }
      }
    },
  );

  it.each(WHOLE)('with %s is not whole without its last byte', (_what, text) => {
    for (let size = 1; size < text.length; size++) {
      const { seen, parser } = parse(text.slice(0, -1), { size });
      expect([size, seen.trailers, parser.end()]).toEqual([size, undefined, false]);
    }
  });

  it('has its trailers, and the ones before it', () => {
    const { seen } = parse(`HTTP/1.1 102 P\r\n\r\n${CHUNKED}0\r\nA: b\r\nC:d \r\n\r\n`);

    expect(seen.trailers).toEqual(['A', 'b', 'C', 'd']);
    expect(seen.interim).toEqual([102]);
  });

  it('to HEAD has no body, whatever it announces', () => {
    for (const fields of ['Content-Length: 5', 'Transfer-Encoding: chunked', 'A: b']) {
      const { seen, parser } = parse(`${OK}${fields}\r\n\r\n`, { isHeadRequest: true });
      expect([seen.trailers, parser.hasExcess]).toEqual([[], false]);
    }
  });

  it('without framing ends with its connection', () => {
    const { seen, parser } = parse(`${OK}\r\nall\r\n\r\n`);
    expect([seen.body, seen.trailers]).toEqual(['all\r\n\r\n', undefined]);

    expect(parser.end()).toBe(true);
    expect(seen.trailers).toEqual([]);
  });

  it('says with its last bytes that they are', () => {
    expect(parse(`${OK}Content-Length: 2\r\n\r\nok`).seen.wasLast).toBe(true);
    expect(parse(`${CHUNKED}2\r\nok\r\n0\r\n\r\n`).seen.wasLast).toBe(true);
    expect(parse(`${CHUNKED}2\r\nok\r\n0\r\nA: b\r\n\r\n`).seen.wasLast).toBe(false);
    expect(parse(`${CHUNKED}2\r\nok\r\n`).seen.wasLast).toBe(false);
  });

  it('has the chunks of one read in one piece', () => {
    const pieces: string[] = [];
    const parser = new ResponseParser(1_000);
    const seen = Object.assign(new Seen(), { onBody: (bytes: Buffer) => pieces.push(bytes.toString()) });
    parser.expect(seen, false);
    const bytes = Buffer.from(`${CHUNKED}${'1\r\nx\r\n'.repeat(50)}0\r\n\r\n`);

    parser.read(bytes, bytes.length);

    expect(pieces).toEqual(['x'.repeat(50)]);
  });

  it('is not parsed further once its listener stops it', () => {
    const parser = new ResponseParser(1_000);
    const seen = new Seen();
    seen.onHead = () => parser.stop();
    parser.expect(seen, false);
    const bytes = Buffer.from(`${OK}Content-Length: 0\r\n\r\n`);

    parser.read(bytes, bytes.length);

    expect([seen.trailers, parser.isExpecting]).toEqual([undefined, false]);
  });

  it('has nothing of one that was stopped within its head', () => {
    const { parser } = parse(OK.slice(0, 10));
    parser.stop();
    const seen = new Seen();
    parser.expect(seen, false);
    const bytes = Buffer.from(`${OK}Content-Length: 0\r\n\r\n`);

    parser.read(bytes, bytes.length);

    expect(seen.trailers).toEqual([]);
  });
});

describe('what is no response', () => {
  const INVALID: readonly [string, string][] = [
    ['another protocol', 'SSH-2.0-x\r\n\r\n'],
    ['a TLS record', '\x16\x03\x01'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['version 1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
    ['a line end before it', `\r\n${OK}\r\n`],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['no blank behind the status', 'HTTP/1.1 200OK\r\n\r\n'],
    ['101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['a bare line feed', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
    ['bare line feeds', 'HTTP/1.1 200 OK\n\n'],
    ['a bare carriage return', `${OK}A: b\rc: d\r\n\r\n`],
    ['a folded line', `${OK}A: b\r\n c\r\n\r\n`],
    ['a blank before a colon', `${OK}A : b\r\n\r\n`],
    ['a field without a name', `${OK}: b\r\n\r\n`],
    ['a field without a colon', `${OK}A\r\n\r\n`],
    ['a control in a value', `${OK}A: b\x01\r\n\r\n`],
    ['NUL in a value', `${OK}A: \0\r\n\r\n`],
    ['DEL in a value', `${OK}A: \x7f\r\n\r\n`],
    ['a letter of no token in a name', `${OK}A(: b\r\n\r\n`],
    ['two lengths', `${OK}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`],
    ['a list of lengths', `${OK}Content-Length: 1, 1\r\n\r\n`],
    ['a length that is none', `${OK}Content-Length: 0x1\r\n\r\n`],
    ['a negative length', `${OK}Content-Length: -1\r\n\r\n`],
    ['a length past all numbers', `${OK}Content-Length: ${'9'.repeat(16)}\r\n\r\n`],
    ['a length and chunks', `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['another coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ['two codings', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['a coding with a tab behind it', `${OK}Transfer-Encoding: chunked\t\r\n\r\n`],
    ['a size that is none', `${CHUNKED}x\r\n`],
    ['an empty size', `${CHUNKED}\r\n`],
    ['a blank behind a size', `${CHUNKED}1 \r\n`],
    ['a size past all numbers', `${CHUNKED}${'f'.repeat(14)}\r\n`],
    ['a bare line feed behind a size', `${CHUNKED}1\nx\r\n`],
    ['a control in an extension', `${CHUNKED}1;a=\x01\r\nx\r\n`],
    ['no line end behind a chunk', `${CHUNKED}1\r\nxy`],
    ['a bare line feed behind a chunk', `${CHUNKED}1\r\nx\n\n`],
    ['an endless size', `${CHUNKED}${'0'.repeat(5_000)}`],
    ['a length in trailers', `${CHUNKED}0\r\nContent-Length: 5\r\n\r\n`],
    ['a length with a tab behind it', `${OK}Content-Length: 5\t\r\n\r\nhello`],
    ['a malformed trailer', `${CHUNKED}0\r\nA\r\n\r\n`],
    ['a folded trailer', `${CHUNKED}0\r\nA: b\r\n c\r\n\r\n`],
  ];

  it.each(INVALID)('is refused: %s', (_what, text) => {
    for (const size of [1, 2, 7, text.length]) {
      expect(() => parse(text, { size })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_RESPONSE' }));
    }
  });

  it('is a head, or trailers, past their limit', () => {
    const long = 'x'.repeat(1_000);
    for (const text of [`${OK}A: ${long}`, `${OK}A: ${long}\r\n\r\n`, `${CHUNKED}0\r\nA: ${long}`]) {
      for (const size of [1, 100, text.length])
        expect(() => parse(text, { size })).toThrow(/too (?:large|long)/);
    }
    expect(() => parse(`${OK}${'A: b\r\n'.repeat(2_001)}\r\n`, { limit: 100_000 })).toThrow('too many');
  });
});
