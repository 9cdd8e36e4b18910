import { isUnambiguousPath, isValidQuery, pathOf } from './path-rules.js';

const bytes = Array.from({ length: 256 }, (_, byte) => byte);
const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

/**
 * RFC 3986: unreserved, sub-delims, `:` and `@`, less `;`, which some servers strip with all that follows; and `[`, `]` and
 * `|`, which browsers send raw.
 */
const RAW = new Set(
  Buffer.from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,=:@[]|"),
);

/** Encoded, these mean something else to some servers, or the same as unencoded to others. */
const isTricky = (byte: number): boolean =>
  byte < 0x20 || byte === 0x7f || /[A-Za-z0-9\-._~/\\%]/.test(String.fromCharCode(byte));

describe('isUnambiguousPath', () => {
  it('lets exactly the harmless bytes stand raw', () => {
    const accepted = bytes.filter((byte) => isUnambiguousPath(`/a${String.fromCharCode(byte)}b`));

    // `/` parts segments.
    expect(accepted).toEqual([...RAW, 0x2f].toSorted((one, other) => one - other));
  });

  it.each(['lower', 'upper'])('lets exactly the harmless bytes stand encoded, in %s case', (letters) => {
    const accepted = bytes.filter((byte) => {
      const digits = letters === 'lower' ? hex(byte) : hex(byte).toUpperCase();
      return isUnambiguousPath(`/a%${digits}b`);
    });

    expect(accepted).toEqual(bytes.filter((byte) => !isTricky(byte)));
  });

  it.each([
    ['begins', '', 'b', '/'],
    ['ends', 'a', '', ''],
    ['is', '', '', './'],
  ])('judges a byte that %s a segment as within one', (_where, before, after, refused) => {
    const accepted = bytes.filter((byte) =>
      isUnambiguousPath(`/${before}${String.fromCharCode(byte)}${after}`),
    );

    // An empty segment, or one of a lone dot, is what other servers take out.
    const expected = [...RAW, 0x2f].filter((byte) => !refused.includes(String.fromCharCode(byte)));
    expect(accepted).toEqual(expected.toSorted((one, other) => one - other));
  });

  it('lets no byte stand encoded twice', () => {
    expect(bytes.filter((byte) => isUnambiguousPath(`/a%25${hex(byte)}b`))).toEqual([]);
  });

  it('takes only hexadecimal digits for an encoded byte', () => {
    const characters = bytes.map((byte) => String.fromCharCode(byte));
    const high = characters.filter((digit) => isUnambiguousPath(`/%${digit}0`));
    const low = characters.filter((digit) => isUnambiguousPath(`/%2${digit}`));

    expect(high.join('')).toBe('24689ABCDEFabcdef');
    expect(low.join('')).toBe('012346789ABCabc');
  });

  it.each(['/', '/a', '/a/', '/a/b', '/a/.b', '/a/b.', '/a/...', '/a/..b', '/a/~', '/%C3%A9', '/a%20b'])(
    'accepts %s',
    (path) => expect(isUnambiguousPath(path)).toBe(true),
  );

  it.each([
    '',
    'a',
    '*',
    '//',
    '//a',
    '/a//b',
    '/a//',
    '/.',
    '/..',
    '/./a',
    '/../a',
    '/a/.',
    '/a/..',
    '/a/./b',
    '/a/../b',
    '/a/%2e%2e/b',
    '/a/.%2e/b',
    '/a%2fb',
    '/a%5cb',
    '/a\\b',
    '/a%00',
    '/a%252e',
    '/a%',
    '/a%2',
    '/a%zz',
    '/a;b=c',
    '/a#b',
    'http://a/b',
  ])('refuses %s', (path) => expect(isUnambiguousPath(path)).toBe(false));

  it.each([
    '/a\n',
    '/a\r\n',
    '\n/a',
    '/a\u2028',
    '/a\uff0fb',
    '/\uff0e\uff0e/a',
    '/a\u0100',
    '/\ud83d\ude00',
  ])('refuses %j', (path) => expect(isUnambiguousPath(path)).toBe(false));

  it.each<[string, string, boolean]>([
    ['only dots', `/${'.'.repeat(16_383)}`, true],
    ['dots and one bad byte', `/${'.'.repeat(16_383)};`, false],
    ['segments of dots that climb at last', `${'/...'.repeat(4_096)}/..`, false],
    ['an empty segment at the end', `${'/a'.repeat(8_192)}//`, false],
    ['only slashes', '/'.repeat(16_384), false],
    ['half of an encoded byte, again and again', `/${'%2'.repeat(8_192)}`, false],
  ])('judges 16 KB of the worst: %s', (_what, path, isAccepted) => {
    expect(isUnambiguousPath(path)).toBe(isAccepted);
  });

  it('judges the longest path that headers have room for', () => {
    expect(isUnambiguousPath('/a'.repeat(8_192))).toBe(true);
    expect(isUnambiguousPath(`${'/a'.repeat(8_192)}/..`)).toBe(false);
    expect(isUnambiguousPath(`/${'%C3%A9'.repeat(4_096)}%`)).toBe(false);
  });
});

describe('isValidQuery', () => {
  it('lets all that is visible stand raw, but what no target and no browser has', () => {
    const accepted = bytes.filter((byte) => isValidQuery(`/a?b${String.fromCharCode(byte)}c`));

    const visible = bytes.filter((byte) => byte > 0x20 && byte < 0x7f);
    expect(accepted).toEqual(visible.filter((byte) => !'"#<>\\'.includes(String.fromCharCode(byte))));
  });

  it.each(['/a', '/a?', '/a??', '/a?%', '/a?%zz', '/a?b=/../;x', `/a?${'%&'.repeat(8_000)}`])(
    'accepts %s',
    (target) => expect(isValidQuery(target)).toBe(true),
  );

  it.each(['/a?#', '/a?b#c', '/a?b\n', '/a?b\u2028', '/a?\u0100'])('refuses %j', (target) =>
    expect(isValidQuery(target)).toBe(false),
  );
});

describe('pathOf', () => {
  it.each([
    ['/a?b', '/a'],
    ['/a?b?c', '/a'],
    ['/a?', '/a'],
    ['/a', '/a'],
    ['?', ''],
    ['', ''],
    ['/a%3Fb', '/a%3Fb'],
    ['/a#b?c', '/a#b'],
  ])('of %s is "%s"', (target, path) => expect(pathOf(target)).toBe(path));
});
