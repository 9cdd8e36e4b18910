import { canonicalName, fieldNameFault, fieldValueFault } from './field-names.js';

describe('fieldNameFault', () => {
  it.each([
    ['', 'is no header name'],
    ['a b', 'is no header name'],
    ['a:b', 'is no header name'],
    ['a\r\nb', 'is no header name'],
    ['\u00e9', 'is no header name'],
    ['Content-Length', 'frames the message'],
    ['transfer_ENCODING', 'frames the message'],
    ['Connection', 'belongs to one connection'],
    ['keep-alive', 'belongs to one connection'],
    ['TE', 'belongs to one connection'],
    ['Trailer', 'belongs to one connection'],
    ['Expect', 'belongs to one connection'],
    ['Upgrade', 'belongs to one connection'],
    ['Proxy-Authorization', 'belongs to one connection'],
    ['HOST', 'has the option `host` of the upstream'],
    ['Sec-WebSocket-Key', 'belongs to the handshake of a WebSocket'],
  ])('of %j: it %s', (name, fault) => expect(fieldNameFault(name)).toBe(fault));

  it.each(['X-User-Id', 'x_user_id', 'Authorization', 'Cookie', 'X-Forwarded-Prefix', 'ETag', 'a'])(
    'is undefined for %s',
    (name) => expect(fieldNameFault(name)).toBeUndefined(),
  );
});

describe('fieldValueFault', () => {
  it.each(['', ' a', 'a ', '\ta', 'a\r\nX: 1', 'a\nb', 'a\0b', '\u007f', 'caf\u00e9', '\u20ac'])(
    'refuses %j',
    (value) => expect(fieldValueFault(value)).toMatch(/value/),
  );

  it.each(['a', 'a b', 'a\tb', 'Basic eDp5', '"x"; y=%20'])('takes %j', (value) =>
    expect(fieldValueFault(value)).toBeUndefined(),
  );
});

describe('canonicalName', () => {
  it.each(['x-user-id', 'x_user_id', 'x.user.id', 'x~user~id'])('is one for %s', (name) =>
    expect(canonicalName(name)).toBe('x-user-id'),
  );
});
