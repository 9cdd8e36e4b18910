import { hasReserved, toDecodedPath, toLookupPath } from './lookup-path.js';
import { isUnambiguousPath } from './path-rules.js';

describe('toLookupPath', () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const encoded = (byte: number): string => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;

  it.each(['lower', 'upper'])(
    'decodes exactly the unreserved characters but the dot, in %s case',
    (letters) => {
      const decoded = bytes.filter((byte) => {
        const path = letters === 'lower' ? encoded(byte).toLowerCase() : encoded(byte);
        return toLookupPath(`/${path}`) === `/${String.fromCharCode(byte)}`;
      });

      expect(String.fromCharCode(...decoded)).toBe(
        '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~',
      );
    },
  );

  it('writes all other bytes with digits in upper case', () => {
    const others = bytes.map(encoded).filter((path) => toLookupPath(path) === path);

    expect(others).toHaveLength(256 - 65);
    expect(others.filter((path) => toLookupPath(path.toLowerCase()) !== path)).toEqual([]);
  });

  it.each([
    ['/a', '/a'],
    ['/%2561', '/%2561'],
    ['/%25%36%31', '/%2561'],
    ['/%2%41', '/%2A'],
    ['/%', '/%'],
    ['/%6', '/%6'],
    ['/%6g%61', '/%6ga'],
    ['/%61%2f%62', '/a%2Fb'],
  ])('of %s is %s, decoded once', (path, expected) => {
    expect(toLookupPath(path)).toBe(expected);
  });
});

describe('toDecodedPath', () => {
  it('decodes exactly what a path may have raw, but the dot, and the semicolon', () => {
    const characters = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
    const encode = (text: string): string => `%${text.charCodeAt(0).toString(16).padStart(2, '0')}`;
    const isRaw = (text: string): boolean => isUnambiguousPath(`/a${text}b`) && !'./%'.includes(text);

    for (const form of [encode, (text: string): string => encode(text).toUpperCase()]) {
      const decoded = characters.filter((text) => toDecodedPath(`/${form(text)}`) === `/${text}`);
      expect(decoded.join('')).toBe(characters.filter((text) => isRaw(text) || text === ';').join(''));
    }
    const isUnreserved = (text: string): boolean => toLookupPath(`/${encode(text)}`) === `/${text}`;
    const reserved = characters.filter((text) => (isRaw(text) || text === ';') && !isUnreserved(text));
    expect(characters.filter((text) => hasReserved(`/a${text}b`))).toEqual(reserved);
    expect(characters.filter((text) => hasReserved(`/a${encode(text)}b`))).toEqual(reserved);
  });

  it('decodes once', () => {
    expect(toDecodedPath('/%2540me/%40')).toBe('/%2540me/@');
  });
});
