import { isUnambiguousPath, pathOf } from './path-rules.js';

const bytes = Array.from({ length: 256 }, (_, byte) => byte);
const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

/** RFC 3986: unreserved, sub-delims, `:` and `@`, less `;`, which some servers strip with all that follows. */
const RAW = new Set(
  Buffer.from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,=:@"),
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

  it('judges the longest path that headers have room for', () => {
    expect(isUnambiguousPath('/a'.repeat(8_192))).toBe(true);
    expect(isUnambiguousPath(`${'/a'.repeat(8_192)}/..`)).toBe(false);
    expect(isUnambiguousPath(`/${'%C3%A9'.repeat(4_096)}%`)).toBe(false);
  });
});

describe('pathOf', () => {
  it.each([
    ['/a?b', '/a'],
    ['/a?b?c', '/a'],
    ['/a?', '/a'],
    ['/a', '/a'],
    ['?', ''],
  ])('of %s is "%s"', (target, path) => expect(pathOf(target)).toBe(path));
});
