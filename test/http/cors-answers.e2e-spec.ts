import { startGateway } from '../support/gateway.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService } from '../support/service.js';
import { CHAT, rawHandshake } from '../support/websocket.js';

const Origin = 'http://localhost:3000';

const CLOSE = { Origin, Connection: 'close' };

/** The first answer's header lines that let a page read it. */
const READABLE = [
  'Access-Control-Allow-Credentials: true',
  `Access-Control-Allow-Origin: ${Origin}`,
  expect.stringMatching(/^Access-Control-Expose-Headers: X-Request-ID, /),
  'Vary: Origin',
];

function corsLinesOf(text: string): string[] {
  const head = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
  return head.filter((line) => /^(access-control-|vary:)/i.test(line)).toSorted();
}

/** What the gateway refuses by itself, with the bytes of a client that makes it do so. */
const ANSWERS: readonly (readonly [number, string, string])[] = [
  [400, 'two hosts', rawRequest('GET /health', { headers: { ...CLOSE, host: 'b' } })],
  [400, 'an ambiguous path', rawRequest('GET /v1/keys/%2e%2e', { headers: CLOSE })],
  [400, 'a query that no target may hold', rawRequest('GET /v1/keys/a?"', { headers: CLOSE })],
  [
    400,
    'a chunk that is none',
    rawRequest('POST /v1/auth/login', {
      headers: { ...CLOSE, 'Transfer-Encoding': 'chunked' },
      body: 'x\r\n',
    }),
  ],
  [401, 'no token', rawRequest('GET /v1/users/me', { headers: { ...CLOSE, Authorization: '' } })],
  [404, 'an unknown path', rawRequest('GET /v1/nothing', { headers: CLOSE })],
  [405, 'another method', rawRequest('DELETE /v1/auth/login', { headers: CLOSE })],
  [
    413,
    'an announced body that is too large',
    rawRequest('POST /v1/auth/login', { headers: { ...CLOSE, 'Content-Length': 99_999_999 } }),
  ],
  [
    413,
    'chunk extensions that are too large',
    rawRequest('POST /v1/auth/login', {
      headers: { ...CLOSE, 'Transfer-Encoding': 'chunked' },
      body: `1;${'a'.repeat(20_000)}\r\n`,
    }),
  ],
  [
    417,
    'another expectation',
    rawRequest('POST /v1/auth/login', { headers: { ...CLOSE, Expect: 'wonders' } }),
  ],
  [426, 'no wish to upgrade', rawRequest(`GET ${CHAT}`, { headers: CLOSE })],
  [426, 'another WebSocket version', rawHandshake(CHAT, { Origin, 'Sec-WebSocket-Version': '8' })],
  [400, 'no WebSocket key', rawHandshake(CHAT, { Origin, 'Sec-WebSocket-Key': '' })],
  [401, 'a WebSocket without a token', rawHandshake(CHAT, { Origin, Authorization: '' })],
  [400, 'a WebSocket with two hosts', rawHandshake(CHAT, { Origin, host: 'b' })],
  [502, 'a WebSocket to no service', rawHandshake(CHAT, { Origin })],
  [
    431,
    'headers that are too large',
    rawRequest('GET /health', { headers: { ...CLOSE, 'X-Long': 'a'.repeat(17_000) } }),
  ],
  [
    431,
    'headers that are too large, before the origin',
    rawRequest('GET /health', { headers: { 'X-Long': 'a'.repeat(17_000), ...CLOSE } }),
  ],
  [502, 'no service', rawRequest('GET /v1/auth/profile', { headers: CLOSE })],
];

describe('a page of an allowed origin', () => {
  it.each(ANSWERS)('can read the %d for %s', async (status, _what, bytes) => {
    await using gateway = await startGateway();
    await using client = await RawClient.connect(gateway.port);

    client.write(bytes);
    const text = await client.until(/\r\n\r\n{/);

    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(corsLinesOf(text)).toEqual(READABLE);
  });

  it('can read a 429', async () => {
    await using gateway = await startGateway({ env: { RATELIMIT: 'on', RATELIMIT_DEFAULT: '1' } });
    const ask = (): Promise<Response> => fetch(`${gateway.url}/v1/nothing`, { headers: { Origin } });

    const statuses = [(await ask()).status];
    const refused = await ask();
    statuses.push(refused.status);

    expect(statuses).toEqual([404, 429]);
    expect(refused.headers.get('access-control-allow-origin')).toBe(Origin);
  });
});

describe('a page of another origin', () => {
  const foreign = (bytes: string): string => bytes.replaceAll(Origin, 'https://evil.example');

  it.each(ANSWERS)('cannot read the answer in place of %d for %s', async (_status, _what, bytes) => {
    await using gateway = await startGateway();
    await using client = await RawClient.connect(gateway.port);

    client.write(foreign(bytes));
    const text = await client.until(/\r\n\r\n{/);

    expect(text).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(corsLinesOf(text).filter((line) => /^access/i.test(line))).toEqual([]);
  });

  it('that says two origins with headers that are too large is not believed', async () => {
    await using gateway = await startGateway();
    const headers = { Origin, origin: 'https://evil.example', 'X-Long': 'a'.repeat(17_000) };

    const { text, statuses } = await exchangeRaw(gateway.port, rawRequest('GET /health', { headers }));

    expect(statuses).toEqual([431]);
    expect(corsLinesOf(text)).toEqual([]);
  });
});

/** Host, further headers, the origin that is then the page's own, and TRUST_PROXY. */
const OWN: readonly (readonly [string, Readonly<Record<string, string>>, string, string])[] = [
  ['api.example.com', {}, 'http://api.example.com', 'none'],
  ['api.example.com:8080', {}, 'http://api.example.com:8080', 'none'],
  ['API.example.com', {}, 'http://api.example.com', 'none'],
  ['api.example.com:80', {}, 'http://api.example.com', 'none'],
  ['[::1]:8080', {}, 'http://[::1]:8080', 'none'],
  ['api.example.com', { 'X-Forwarded-Proto': 'https' }, 'https://api.example.com', '1'],
  ['api.example.com', { 'X-Forwarded-Proto': 'wss' }, 'https://api.example.com', '1'],
  [
    'gateway:8080',
    { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'api.example.com' },
    'https://api.example.com',
    '1',
  ],
  [
    'gateway',
    { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'a.example:443' },
    'https://a.example',
    '127.0.0.0/8',
  ],
];

const NOT_OWN: typeof OWN = [
  ['api.example.com', {}, 'https://api.example.com', 'none'],
  ['api.example.com', {}, 'http://example.com', 'none'],
  ['api.example.com:8080', {}, 'http://api.example.com', 'none'],
  ['api.example.com', { 'X-Forwarded-Proto': 'https' }, 'https://api.example.com', 'none'],
  ['api.example.com', { 'X-Forwarded-Host': 'evil.example' }, 'http://evil.example', 'none'],
  ['gateway', { 'X-Forwarded-Proto': 'https, http' }, 'https://gateway', '1'],
  ['gateway', { 'X-Forwarded-Host': 'a.example, b.example' }, 'http://a.example', '1'],
  ['gateway', { 'X-Forwarded-Proto': 'https' }, 'http://gateway', '1'],
];

describe("the request's own scheme and host", () => {
  it.each(OWN)('%s with %j is the origin %s (TRUST_PROXY=%s)', async (Host, more, origin, trust) => {
    await using service = await startService((_request, response) => response.end('served'));
    await using gateway = await startGateway({
      env: { ENV: 'production', HOST: '127.0.0.1', AUTH_SERVICE_URL: service.url, TRUST_PROXY: trust },
    });
    const headers = { Host, ...more, Origin: origin, Connection: 'close' };

    const served = await exchangeRaw(gateway.port, rawRequest('GET /v1/auth/profile', { headers }));
    const preflight = await exchangeRaw(
      gateway.port,
      rawRequest('OPTIONS /v1/auth/profile', {
        headers: { ...headers, 'Access-Control-Request-Method': 'GET' },
      }),
    );

    expect([...served.statuses, ...preflight.statuses]).toEqual([200, 204]);
    for (const { text } of [served, preflight]) {
      expect(corsLinesOf(text)).toContain(`Access-Control-Allow-Origin: ${origin}`);
      expect(corsLinesOf(text)).toContain('Vary: Origin');
    }
  });

  it.each(NOT_OWN)('%s with %j is not the origin %s (TRUST_PROXY=%s)', async (Host, more, origin, trust) => {
    await using gateway = await startGateway({ env: { TRUST_PROXY: trust } });
    const headers = { Host, ...more, Origin: origin, Connection: 'close' };

    const { statuses, text } = await exchangeRaw(gateway.port, rawRequest('GET /health', { headers }));

    expect(statuses).toEqual([403]);
    expect(corsLinesOf(text)).toEqual(['Vary: Origin']);
  });
});
