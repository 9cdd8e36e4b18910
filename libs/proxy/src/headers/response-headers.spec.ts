import { responseHeadersFor, responseTrailersFor, sayUnbuffered } from './response-headers.js';

const raw = (...fields: [string, string][]): string[] => fields.flat();

const headersOf = (...fields: [string, string][]): string[] =>
  responseHeadersFor(raw(...fields), [], 200, true).headers;

describe('responseHeadersFor', () => {
  it('keeps names, order, duplicates and bytes, and adds what is given', () => {
    const head = responseHeadersFor(
      raw(['Set-Cookie', 'a'], ['x-Odd', 'caf\u00e9'], ['set-cookie', 'b'], ['Server', 's']),
      ['Vary', 'Origin'],
      200,
      true,
    );

    expect(head.headers).toEqual([
      'Set-Cookie',
      'a',
      'x-Odd',
      'caf\u00e9',
      'set-cookie',
      'b',
      'Server',
      's',
      'Vary',
      'Origin',
    ]);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'TE',
    'Transfer-Encoding',
    'Upgrade',
    'X-Request-ID',
    'X-Gateway-Error',
    'X-Gateway-Attempts',
    'Access-Control-Allow-Origin',
    'ACCESS-CONTROL-ALLOW-CREDENTIALS',
    'access-control-max-age',
  ])('drops %s in any case', (name) => {
    const value = name === 'Transfer-Encoding' ? 'chunked' : 'x';

    expect(headersOf([name, value], ['A', '1'], [name.toLowerCase(), value])).toEqual(['A', '1']);
    expect(headersOf([name.toUpperCase(), value])).toEqual([]);
  });

  it.each([
    'Content-Security-Policy',
    'Strict-Transport-Security',
    'Accept-Control-Allow-Origin',
    'Access-Controlled-By-Nobody',
    'X-Request-IDs',
    'Trailers',
    'Upgrades',
    'Server',
    '__proto__',
  ])('keeps %s, which only looks like another', (name) => {
    expect(headersOf([name, 'x'])).toEqual([name, 'x']);
  });

  it('knows nothing more of a head that says nothing more', () => {
    const fields = raw(['Connection', 'close'], ['Keep-Alive', 'timeout=5'], ['Upgrade', 'h2c'], ['TE', 'x']);

    expect(responseHeadersFor(fields, [], 200, true)).toStrictEqual({
      headers: [],
      isEventStream: false,
      isEncoded: false,
    });
  });

  it('adds what is given even where the service nominates its name', () => {
    const fields = raw(['Connection', 'vary, x-one'], ['Vary', 'Accept'], ['X-One', '1']);

    expect(responseHeadersFor(fields, ['Vary', 'Origin'], 200, true).headers).toStrictEqual([
      'Vary',
      'Origin',
    ]);
  });

  it('drops what Connection nominates, wherever it stands', () => {
    expect(
      headersOf(['X-One', '1'], ['Connection', 'x-one, X-Two'], ['x-two', '2'], ['X-Three', '3']),
    ).toEqual(['X-Three', '3']);
    expect(
      headersOf(['Connection', 'x-one'], ['X-One', '1'], ['connection', 'X-Two'], ['X-Two', '2']),
    ).toEqual([]);
  });

  it.each([
    ['text/event-stream', true],
    ['Text/Event-Stream; charset=utf-8', true],
    ['text/plain', false],
  ])('sees in %s an event stream: %s', (type, isEventStream) => {
    expect(responseHeadersFor(raw(['Content-Type', type]), [], 200, true).isEventStream).toBe(isEventStream);
  });

  it.each([
    [true, ['Trailer', 'X-Sum']],
    [false, []],
  ])('announces trailers if they can come: %s', (keepsTrailers, headers) => {
    expect(responseHeadersFor(raw(['Trailer', 'X-Sum']), [], 200, keepsTrailers).headers).toEqual(headers);
  });

  it('takes the length out of a 204 alone', () => {
    const fields = raw(['Content-Length', '0']);

    expect(responseHeadersFor(fields, [], 200, true).headers).toEqual(['Content-Length', '0']);
    expect(responseHeadersFor(fields, [], 204, true).headers).toEqual([]);
    expect(responseHeadersFor(fields, [], 304, true).headers).toEqual(['Content-Length', '0']);
  });
});

describe('a length that Connection nominates', () => {
  it('stays, since it frames the message', () => {
    expect(headersOf(['Connection', 'content-length'], ['Content-Length', '50'])).toEqual([
      'Content-Length',
      '50',
    ]);
  });
});

describe('responseTrailersFor', () => {
  it('keeps what may be a trailer', () => {
    const trailers = raw(
      ['X-Sum', 'caf\u00e9'],
      ['Content-Length', '5'],
      ['Transfer-Encoding', 'chunked'],
      ['set-cookie', 'a'],
      ['Access-Control-Allow-Origin', '*'],
      ['X-Request-ID', 'x'],
      ['Server-Timing', 'a;dur=1'],
    );

    expect(responseTrailersFor(trailers)).toEqual([
      ['X-Sum', 'caf\u00e9'],
      ['Server-Timing', 'a;dur=1'],
    ]);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Transfer-Encoding',
    'Upgrade',
    'Content-Length',
    'Content-Encoding',
    'Content-Type',
    'Content-Range',
    'Host',
    'Set-Cookie',
    'Trailer',
    'WWW-Authenticate',
    'X-Request-ID',
    'Access-Control-Expose-Headers',
  ])('drops %s in any case', (name) => {
    const trailers = raw([name, 'x'], ['X-Sum', '1'], [name.toLowerCase(), 'x'], [name.toUpperCase(), 'x']);

    expect(responseTrailersFor(trailers)).toEqual([['X-Sum', '1']]);
  });

  it('keeps order and duplicates', () => {
    const fields: [string, string][] = [
      ['x-b', '1'],
      ['X-A', ''],
      ['X-B', '2'],
    ];

    expect(responseTrailersFor(raw(...fields))).toEqual(fields);
    expect(responseTrailersFor([])).toEqual([]);
  });
});

describe('sayUnbuffered', () => {
  it.each([
    [
      ['Content-Type', 'text/event-stream'],
      ['Content-Type', 'text/event-stream', 'X-Accel-Buffering', 'no'],
    ],
    [
      ['x-accel-buffering', 'yes'],
      ['x-accel-buffering', 'yes'],
    ],
    [
      ['X-Other', 'x-accel-buffering'],
      ['X-Other', 'x-accel-buffering', 'X-Accel-Buffering', 'no'],
    ],
  ])('makes of %j %j', (headers, said) => {
    sayUnbuffered(headers);

    expect(headers).toEqual(said);
  });
});
