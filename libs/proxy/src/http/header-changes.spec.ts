import { encodeHeaderValue, HeaderChanges } from './header-changes.js';

const FIELDS = ['X-One', '1', 'x_one', '2', 'X-Two', '3', 'X.ONE', '4'];

describe('HeaderChanges', () => {
  it('sets a field in place of all others of its name, in any spelling', () => {
    const changes = new HeaderChanges();
    changes.set('X-One', 'own');

    expect(changes.applyTo(FIELDS)).toEqual(['X-Two', '3', 'X-One', 'own']);
    expect(changes.keptOf(FIELDS)).toEqual(['X-Two', '3']);
    expect(changes.hasRemoved('X_ONE')).toBe(true);
    expect(changes.hasRemoved('X-Two')).toBe(false);
  });

  it("leaves the gateway's own fields at the end", () => {
    const changes = new HeaderChanges();
    changes.set('X-One', 'rule');
    changes.remove('X-Two');

    const own = ['X-One', 'own', 'x-two', 'own'];
    expect(changes.applyTo([...FIELDS, ...own], own.length)).toEqual(['X-One', 'rule', ...own]);
  });

  it('removes a field that is set without a value', () => {
    const changes = new HeaderChanges();
    changes.set('X-One', undefined);

    expect(changes.applyTo(FIELDS)).toEqual(['X-Two', '3']);
  });

  it('adds a field behind others, and forgets it when the name is set or removed', () => {
    const changes = new HeaderChanges();
    changes.add('X-Two', '5');
    expect(changes.applyTo(FIELDS)).toEqual([...FIELDS, 'X-Two', '5']);

    changes.set('x_two', '6');
    changes.add('X-Two', '7');
    expect(changes.applyTo(['X-Two', '3'])).toEqual(['x_two', '6', 'X-Two', '7']);

    changes.remove('X-TWO');
    expect(changes.applyTo(['X-Two', '3'])).toEqual([]);
  });

  it('fills in what was not changed before', () => {
    const changes = new HeaderChanges();
    changes.set('X-One', 'own');
    changes.remove('X-Two');
    const field = (name: string) => ({ name, canonical: name.toLowerCase(), value: 'rule' });

    changes.include(new Set(['x-one', 'x-three']), [field('X-One'), field('X-Two'), field('X-Three')]);

    expect(changes.applyTo([...FIELDS, 'X-Three', '8'])).toEqual(['X-One', 'own', 'X-Three', 'rule']);
  });

  it('keeps what was added before in place of what would replace it, and beside what would be added', () => {
    const changes = new HeaderChanges();
    changes.add('X-One', 'own');
    changes.add('X-Two', 'own');
    const field = (name: string) => ({ name, canonical: name.toLowerCase(), value: 'rule' });

    changes.include(new Set(['x-one']), [field('X-One'), field('X-Two')]);

    expect(changes.applyTo(FIELDS)).toEqual(['X-Two', '3', 'X-One', 'own', 'X-Two', 'own', 'X-Two', 'rule']);
  });

  it.each([
    ['Content-Length', '1', /"Content-Length" frames the message/],
    ['Host', 'a', /has the option `host`/],
    ['X-One', 'a\r\nX-Two: 1', /"X-One" has a value/],
    ['X One', 'a', /"X One" is no header name/],
  ])('refuses %s: %j, without the value in the error', (name, value, message) => {
    const changes = new HeaderChanges();

    expect(() => changes.set(name, value)).toThrow(message);
    expect(() => changes.add(name, value)).toThrow(TypeError);
    expect(() => changes.add(name, value)).not.toThrow(/X-Two/);
  });
});

describe('encodeHeaderValue', () => {
  it.each([
    ['ada', 'ada'],
    ['ada@example.com', 'ada@example.com'],
    ['a b', 'a b'],
    [' a ', '%20a%20'],
    ['100%', '100%25'],
    ['caf\u00e9', 'caf%C3%A9'],
    ['\u{1f600}', '%F0%9F%98%80'],
    ['a\r\nX-Role: admin', 'a%0D%0AX-Role: admin'],
    ['\0\t\u007f', '%00%09%7F'],
  ])('makes of %j %s, which can be read back', (text, value) => {
    expect(encodeHeaderValue(text)).toBe(value);
    expect(decodeURIComponent(value)).toBe(text);
  });

  it.each([undefined, '', '\ud800', 'a\udc00'])('has no value for %j', (text) =>
    expect(encodeHeaderValue(text)).toBeUndefined(),
  );
});
