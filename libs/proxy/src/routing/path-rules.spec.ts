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

/** Encoded, these mean something else to some servers, or the same as unencoded to others, or are no character. */
const isTricky = (byte: number): boolean =>
  byte < 0x20 || byte > 0x7e || /[A-Za-z0-9\-._~/\\%]/.test(String.fromCharCode(byte));

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
  ])('checks a byte that %s a segment as within one', (_where, before, after, refused) => {
    const accepted = bytes.filter((byte) =>
      isUnambiguousPath(`/${before}${String.fromCharCode(byte)}${after}`),
    );

    // An empty segment, or one of a lone dot, is what other servers take out.
    const expected = [...RAW, 0x2f].filter((byte) => !refused.includes(String.fromCharCode(byte)));
    expect(accepted).toEqual(expected.toSorted((one, other) => one - other));
  });

  it.each(['lower', 'upper'])('accepts every encoded character past ASCII, in %s case', (letters) => {
    // The first and the last of each form of UTF-8, and those beside the surrogates.
    const points = [
      0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x3ffff, 0x40000, 0x10ffff,
    ];
    const encoded = points.map((point) => encodeURIComponent(String.fromCodePoint(point)));
    const paths = encoded.map((text) => (letters === 'lower' ? text.toLowerCase() : text));

    expect(paths.filter((text) => !isUnambiguousPath(`/a${text}b`))).toEqual([]);
  });

  it('accepts of all pairs and triples of encoded bytes those that are UTF-8', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const isUtf8 = (...sequence: readonly number[]): boolean => {
      try {
        return decoder.decode(Uint8Array.from(sequence)) !== '';
      } catch {
        return false;
      }
    };
    const differs = (...sequence: readonly number[]): boolean =>
      isUnambiguousPath(`/${sequence.map((byte) => `%${hex(byte)}`).join('')}`) !== isUtf8(...sequence);
    // Both ends of each range that RFC 3629, section 4, draws.
    const edges = [
      0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
    ];
    const starts = [...edges, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff];

    const wrong = starts.flatMap((one) =>
      starts.flatMap((two) => [
        ...(differs(one, two) ? [[one, two]] : []),
        ...starts.flatMap((three) => [
          ...(differs(one, two, three) ? [[one, two, three]] : []),
          ...starts.filter((four) => differs(one, two, three, four)).map((four) => [one, two, three, four]),
        ]),
      ]),
    );
    expect(wrong).toEqual([]);
  });

  it('lets no byte stand encoded twice', () => {
    expect(bytes.filter((byte) => isUnambiguousPath(`/a%25${hex(byte)}b`))).toEqual([]);
  });

  it('takes only hexadecimal digits for an encoded byte', () => {
    const characters = bytes.map((byte) => String.fromCharCode(byte));
    const high = characters.filter((digit) => isUnambiguousPath(`/%${digit}0`));
    const first = characters.filter((digit) => isUnambiguousPath(`/%C${digit}%80`));
    const second = characters.filter((digit) => isUnambiguousPath(`/%C3%${digit}0`));
    const third = characters.filter((digit) => isUnambiguousPath(`/%C3%8${digit}`));
    const low = characters.filter((digit) => isUnambiguousPath(`/%2${digit}`));

    expect(high.join('')).toBe('246');
    expect(first.join('')).toBe('23456789ABCDEFabcdef');
    expect(second.join('')).toBe('89ABab');
    expect(third.join('')).toBe('0123456789ABCDEFabcdef');
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
    '/a%c0%af..',
    '/%c0%ae%c0%ae/a',
    '/a%e0%80%afb',
    '/a%f0%80%80%afb',
    '/a%ff',
    '/a%80',
    '/a%c3',
    '/a%c3/%a9',
    '/a%c3b%a9',
    '/a%ed%a0%80',
    '/a%ed%bf%bf',
    '/a%ed%a0%bd%ed%b8%80',
    '/a%f4%90%80%80',
    '/a%f8%88%80%80%80',
    'http://a/b',
    '/a/..%3B/b',
    '/a/..%3bx=1/b',
    '/.%3B/b',
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
    ['encoded characters, and half of one at last', `/${'%F0%9F%98%80'.repeat(1_365)}%F0%9F%98`, false],
    ['half of an encoded byte, again and again', `/${'%2'.repeat(8_192)}`, false],
  ])('checks 16 KB of the worst: %s', (_what, path, isAccepted) => {
    expect(isUnambiguousPath(path)).toBe(isAccepted);
  });

  it('checks the longest path that headers have room for', () => {
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
