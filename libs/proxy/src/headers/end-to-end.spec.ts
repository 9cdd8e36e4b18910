import { isEndToEnd, nominatedEndToEnd } from './end-to-end.js';

describe('isEndToEnd', () => {
  it.each([
    'authorization',
    'cookie',
    'host',
    'content-type',
    'content-length',
    'accept',
    'accept-encoding',
    'if-none-match',
    'x-forwarded-for',
    'x_forwarded_for',
    'x-request-id',
    'x-user-id',
    'x.user.id',
    'remote-user',
    'x-http-method-override',
    'cf-connecting-ip',
    'content_length',
    'sec-websocket-key',
    'traceparent',
    'origin',
  ])('is true of %s', (name) => expect(isEndToEnd(name)).toBe(true));

  it.each([
    'x-hop',
    'http2-settings',
    'keep-alive',
    'te',
    'upgrade',
    'trailer',
    'x-custom',
    'constructor',
    '',
  ])('is false of "%s"', (name) => expect(isEndToEnd(name)).toBe(false));
});

describe('nominatedEndToEnd', () => {
  it.each([undefined, '', 'close', 'keep-alive, Upgrade', 'TE, Trailer', 'Upgrade, HTTP2-Settings', 'X-Hop'])(
    'finds none in %j',
    (connection) => expect(nominatedEndToEnd(connection)).toBeUndefined(),
  );

  it.each([
    ['authorization', 'authorization'],
    ['close, COOKIE', 'cookie'],
    ['X-Hop,\tX-Forwarded-For ,te', 'x-forwarded-for'],
    ['X_User_Id', 'x_user_id'],
  ])('finds in %j %s', (connection, name) => expect(nominatedEndToEnd(connection)).toBe(name));
});
