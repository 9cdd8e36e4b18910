import { forwardedValue, type ForwardedBefore, type ForwardedElement } from './forwarded.js';

const NOTHING: ForwardedBefore = { forwarded: '', addresses: '', host: 'www.example', proto: 'https' };
const OWN: ForwardedElement = { address: '192.0.2.1', host: 'api.example', proto: 'http' };
const LAST = 'for=192.0.2.1;host=api.example;proto=http';

const valueOf = (before: Partial<ForwardedBefore>, own: Partial<ForwardedElement> = {}): string =>
  forwardedValue({ ...NOTHING, ...before }, { ...OWN, ...own });

describe('forwardedValue', () => {
  it.each([
    [{}, LAST],
    [{ address: '2001:db8::1' }, 'for="[2001:db8::1]";host=api.example;proto=http'],
    [{ address: '' }, 'for=unknown;host=api.example;proto=http'],
    [{ host: 'api.example:8080' }, 'for=192.0.2.1;host="api.example:8080";proto=http'],
    [{ host: '[2001:db8::1]:8080' }, 'for=192.0.2.1;host="[2001:db8::1]:8080";proto=http'],
    [{ host: 'a"b\\c' }, 'for=192.0.2.1;host="a\\"b\\\\c";proto=http'],
    [{ host: '' }, 'for=192.0.2.1;proto=http'],
    [{ proto: 'https, http' }, 'for=192.0.2.1;host=api.example;proto="https, http"'],
  ])('quotes what is no token of %j', (own, value) => expect(valueOf({}, own)).toBe(value));

  it('goes on from what a trusted proxy sent', () => {
    expect(valueOf({ forwarded: 'for=_hidden;by="[::1]:80"', addresses: '203.0.113.7' })).toBe(
      `for=_hidden;by="[::1]:80", ${LAST}`,
    );
  });

  it.each(['for="', 'for="x\\"', 'for=a, for="b', '"'])(
    'does not append to %s, whose quoted string would go on',
    (forwarded) => expect(valueOf({ forwarded })).toBe(LAST),
  );

  it('makes elements of X-Forwarded-For, the first of the client with what it asked for', () => {
    const addresses =
      ' 203.0.113.7 ,2001:db8::7, 203.0.113.8:1234,[2001:db8::8]:1234,,unknown, 1.2.3, [1::2], x"y, ';

    expect(valueOf({ addresses })).toBe(
      [
        'for=203.0.113.7;host=www.example;proto=https',
        'for="[2001:db8::7]"',
        'for="203.0.113.8:1234"',
        'for="[2001:db8::8]:1234"',
        'for=unknown',
        'for=unknown',
        'for="[1::2]"',
        'for=unknown',
        LAST,
      ].join(', '),
    );
  });
});
