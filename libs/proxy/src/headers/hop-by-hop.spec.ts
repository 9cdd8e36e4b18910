import { isHopByHop, lengthsOf, nominatedBy } from './hop-by-hop.js';

const NAMES = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
];

describe('nominatedBy', () => {
  it.each([
    undefined,
    '',
    ' ',
    ',',
    ', ,',
    'close',
    'keep-alive',
    'Close',
    'Keep-Alive',
    ' close ',
    'keep-alive, Upgrade',
    'Upgrade,,close',
    NAMES.join(),
  ])('finds no name in %j but those that never pass', (connection) => {
    expect(nominatedBy(connection)).toBeUndefined();
  });

  it.each([
    ['x-one', ['x-one']],
    ['X-One', ['x-one']],
    ['close,X-One,\tx-TWO ,,', ['x-one', 'x-two']],
    ['Upgrade, HTTP2-Settings', ['http2-settings']],
    ['x-one, X-ONE', ['x-one']],
    ['closed', ['closed']],
    ['x_one', ['x_one']],
    ['Content-Length, host', ['content-length', 'host']],
  ])('finds in %j the names %j', (connection, names) => {
    expect([...nominatedBy(connection)!]).toEqual(names);
  });
});

describe('isHopByHop', () => {
  it.each(NAMES)('is true of %s', (name) => expect(isHopByHop(name)).toBe(true));

  it.each(['', 'trailer', 'content-length', 'host', 'upgrade-insecure-requests', 'constructor'])(
    'is false of "%s"',
    (name) => expect(isHopByHop(name)).toBe(false),
  );
});

describe('lengthsOf', () => {
  it('has the length of every name, once, and of no other', () => {
    const own = [10, 16, 18, 19, 2, 17, 7];

    expect([...lengthsOf([])]).toEqual(own);
    expect([...lengthsOf(['expect', 'trailer', 'forwarded'])]).toEqual([...own, 6, 9]);
  });
});
