import { escapeLine, quote } from './escape-line.js';

const controls = Array.from({ length: 32 }, (_, index) => String.fromCharCode(0x80 + index));

describe('escapeLine', () => {
  it.each([...controls, '\u2028', '\u2029'])('escapes %j, and nothing is lost', (control) => {
    const value = { [`a${control}`]: `caf\u00e9 ${control} \u00a0 ${control}\n` };

    const line = escapeLine(JSON.stringify(value));

    expect(line).not.toContain(control);
    expect(JSON.parse(line)).toEqual(value);
  });

  it.each(['{"a":"plain"}', '{"a":"caf\u00e9 \u00a0\ud83d\ude00\u2027\u202a"}', ''])(
    'leaves %s as it is',
    (line) => expect(escapeLine(line)).toBe(line),
  );
});

describe('quote', () => {
  it.each(Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code)))(
    'writes %j in each place as JSON does, with the controls escaped',
    (character) => {
      for (const text of [character, `${character}a`, `a${character}`, `a${character}b${character}`])
        expect(quote(text)).toBe(escapeLine(JSON.stringify(text)));
    },
  );

  it.each(['', '/v1/auth/profile', '\u2028', '\ud83d\ude00', '\ud83d', '"\\'])(
    'writes %j as JSON does',
    (text) => {
      expect(quote(text)).toBe(escapeLine(JSON.stringify(text)));
      expect(JSON.parse(quote(text))).toBe(text);
    },
  );
});
