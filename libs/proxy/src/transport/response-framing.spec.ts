import { ResponseFraming } from './response-framing.js';

function framingOf(...fields: readonly (readonly [string, string])[]): ResponseFraming {
  const framing = new ResponseFraming();
  for (const [name, value] of fields) framing.read(name, value);
  return framing;
}

describe('the framing of a response', () => {
  it('has no length, no chunks and no time without its fields', () => {
    const framing = framingOf(
      ['Content-Type', 'a'],
      ['Date', 'b'],
      ['X-Lengths-Of-It', '5'],
      ['X-Codings-Of-Body', 'x'],
    );

    expect(framing).toMatchObject({ contentLength: -1, isChunked: false, keepAliveMs: Infinity });
  });

  it.each([
    ['0', 0],
    ['5', 5],
    ['007', 7],
    ['9'.repeat(15), 999_999_999_999_999],
  ])('has the length %s', (value, contentLength) => {
    expect(framingOf(['content-LENGTH', value])).toMatchObject({ contentLength });
  });

  it.each(['', ' 5', '5 ', '+5', '-1', '0x5', '5.0', '1e3', '5,5', '5\t', '9'.repeat(16), '\xb2'])(
    'refuses the length %j',
    (value) => {
      expect(() => framingOf(['Content-Length', value])).toThrow('invalid Content-Length');
    },
  );

  it('refuses a second length, be it the same', () => {
    expect(() => framingOf(['Content-Length', '0'], ['content-length', '0'])).toThrow('more than one');
  });

  it('has chunks, in any case', () => {
    expect(framingOf(['TRANSFER-encoding', 'Chunked'])).toMatchObject({ isChunked: true });
  });

  it.each([
    '',
    'gzip',
    'gzip, chunked',
    'chunked, chunked',
    'identity',
    'chunked;a=b',
    'chunked\t',
    'x-chunked',
  ])('refuses the coding %j', (value) => {
    expect(() => framingOf(['Transfer-Encoding', value])).toThrow('transfer coding besides chunked');
  });

  it('refuses a second coding', () => {
    const chunked = ['Transfer-Encoding', 'chunked'] as const;

    expect(() => framingOf(chunked, chunked)).toThrow('transfer coding besides chunked');
  });
});

describe('a connection', () => {
  const chunked = ['Transfer-Encoding', 'chunked'] as const;
  const connection = (value: string) => ['Connection', value] as const;

  it.each([
    ['HTTP/1.1', [], true],
    ['HTTP/1.1', [connection('close')], false],
    ['HTTP/1.1', [connection('x, CLOSE ,y')], false],
    ['HTTP/1.1', [connection('closed')], true],
    ['HTTP/1.1', [connection('keep-alive'), connection('close')], false],
    ['HTTP/1.1', [connection('close'), connection('keep-alive')], false],
    ['HTTP/1.1', [chunked], true],
    ['HTTP/1.0', [], false],
    ['HTTP/1.0', [connection('Keep-Alive')], true],
    ['HTTP/1.0', [connection('keep-alive, close')], false],
    ['HTTP/1.0', [connection('keep-alive'), chunked], false],
  ] as const)('of %s with %j may carry another request: %s', (version, fields, isPersistent) => {
    expect(framingOf(...fields).isPersistent(Number(version.at(-1)))).toBe(isPersistent);
  });

  it.each([
    ['timeout=5', 5_000],
    ['max=3, Timeout=60', 60_000],
    ['timeout = "7"', 7_000],
    ['timeout=0', 0],
    ['x', Infinity],
    ['xtimeout=5', Infinity],
    ['timeout=-1', Infinity],
    ['timeout=', Infinity],
  ])('stays for the time of Keep-Alive: %s', (value, keepAliveMs) => {
    expect(framingOf(['keep-ALIVE', value])).toMatchObject({ keepAliveMs });
  });
});
