import { OriginPattern } from './origin-pattern.js';

const PATTERN = new OriginPattern('https://*.example.com:8443');

describe('https://*.example.com:8443', () => {
  it.each(['https://a.example.com:8443', 'https://pr-17.example.com:8443', 'https://x_1.example.com:8443'])(
    'matches %s',
    (origin) => {
      expect(PATTERN.matches(origin)).toBe(true);
    },
  );

  it.each([
    'https://example.com:8443',
    'https://.example.com:8443',
    'https://a.b.example.com:8443',
    'https://aexample.com:8443',
    'http://a.example.com:8443',
    'https://a.example.com',
    'https://a.example.com:84430',
    'https://a.example.com:8443.evil.com',
    'https://evil.com/.example.com:8443',
    'https://evil.com#.example.com:8443',
    'https://evil.com?.example.com:8443',
    'https://a@evil.example.com:8443',
    'https://A.example.com:8443',
    'https://*.example.com:8443',
    'https://é.example.com:8443',
    'null',
    '',
  ])('does not match %j', (origin) => {
    expect(PATTERN.matches(origin)).toBe(false);
  });
});
