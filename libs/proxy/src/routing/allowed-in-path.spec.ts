import { ALLOWABLE, isAllowedPath } from './allowed-in-path.js';

/** What each name allows. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  encodedSlash: ['%2F', '%2f'],
  encodedPercent: ['%25', '%2561', '%2500', '%252F'],
  emptySegment: ['/', '//'],
  encodedBackslash: ['%5C', '%5c'],
  semicolon: [';', ';v=1', ';;'],
};

describe('isAllowedPath', () => {
  it.each(ALLOWABLE)('allows %s where it is named, and nowhere else', (name) => {
    const others = ALLOWABLE.filter((each) => each !== name);
    const paths = FORMS[name]!.map((form) => `/a/b${form}/c`);

    expect(paths.filter((path) => !isAllowedPath(path, [name]))).toEqual([]);
    expect(paths.filter((path) => isAllowedPath(path, others))).toEqual([]);
    expect(isAllowedPath(paths.join(''), [name])).toBe(true);
  });

  it('demands all names that a path needs', () => {
    const path = '/a%2Fb%25;//%5C';

    expect(isAllowedPath(path, ALLOWABLE)).toBe(true);
    expect(
      ALLOWABLE.filter((name) =>
        isAllowedPath(
          path,
          ALLOWABLE.filter((each) => each !== name),
        ),
      ),
    ).toEqual([]);
  });

  it('allows every encoded byte of UTF-8 but controls and the dot, with all names', () => {
    const bytes = Array.from({ length: 128 }, (_, byte) => byte);
    const refused = bytes.filter(
      (byte) => !isAllowedPath(`/a%${byte.toString(16).padStart(2, '0')}b`, ALLOWABLE),
    );

    expect(refused).toEqual([...bytes.slice(0, 32), 0x2e, 0x7f]);
  });

  it('allows encoded unreserved characters without a name', () => {
    expect(isAllowedPath('/%61%5A%30%2d%5F%7e', [])).toBe(true);
  });

  it('allows exactly one raw character more than an unambiguous path has', () => {
    const raw = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

    expect(raw.filter((character) => isAllowedPath(`/a${character}b`, ALLOWABLE)).join('')).toBe(
      "!$%&'()*+,-./0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz|~".replace('%', ''),
    );
  });

  it.each([
    '',
    'a',
    '*',
    '//',
    '//a/b',
    '/.',
    '/..',
    '/a/../b',
    '/a/./b',
    '/a/..//b',
    '/a//..',
    '/a/%2e%2e/b',
    '/a/%2E',
    '/a%2Eb',
    '/a/..%2Fb',
    '/a%2f..%2fb',
    '/a%2F..',
    '/a/..%5Cb',
    '/a%5c.%5cb',
    '/a/..;/b',
    '/a/..;x=1/b',
    '/a/.;',
    '/a;..',
    '/a/%252e%252e/b',
    '/a%252Eb',
    '/a%25%32%65b',
    '/a%25%32Eb',
    '/a/..%252Fb',
    '/a/..%255cb',
    '/a/..%253Bb',
    '/a/%25252E%25252E/b',
    '/a%25%2532e',
    '/a%25%25%33%32%45',
    '/a%2525%32%35252eb',
    '/a/..%252525252Fb',
    '/a%2',
    '/a%',
    '/a%zz',
    '/a%00',
    '/a%1f',
    '/a%7F',
    '/a\\b',
    '/a#b',
    '/a b',
    '/a?b',
    '/a%ff',
    '/a%c0%af',
    '/a%ed%a0%80',
    '/a\u00e9',
    '/a\n',
    'http://a/b',
  ])('refuses %j on every route', (path) => {
    expect(isAllowedPath(path, ALLOWABLE)).toBe(false);
  });

  it('takes time in proportion to the length of the path', () => {
    const nested = (levels: number): string => `/a${'%25'.repeat(levels)}${'32'.repeat(levels)}`;
    expect(isAllowedPath(nested(20_000), ALLOWABLE)).toBe(true);
    expect(isAllowedPath(`/a/..%${'25'.repeat(40_000)}2Fb`, ALLOWABLE)).toBe(false);
  });
});
