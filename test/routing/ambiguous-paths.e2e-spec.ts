import { bearer, startGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { startRecordingService } from '../support/recording-service.js';

const request = (target: string): string =>
  `GET ${target} HTTP/1.1\r\nHost: gateway\r\nAuthorization: ${bearer().Authorization}\r\nConnection: close\r\n\r\n`;

const AMBIGUOUS = [
  '/v1/keys/..',
  '/v1/keys/../auth/profile',
  '/v1/keys/.',
  '/v1/./keys/1',
  '/../v1/keys/1',
  '//v1/keys/1',
  '/v1//keys/1',
  '/v1/keys//',
  '/v1/keys/1//',
  '/v1/keys/%2e%2e',
  '/v1/keys/%2E./auth/profile',
  '/v1/keys/.%2e/auth/profile',
  '/v1/keys/%2e',
  '/v1/keys/a%2Eb',
  '/v1/keys/a%2fb',
  '/v1/keys/..%2Fauth%2Fprofile',
  '/v1/keys/a%5cb',
  '/v1/keys/..%5C..',
  '/v1/keys/a\\b',
  '/v1\\keys\\1',
  '/v1/keys/a%00',
  '/v1/keys/a%0d%0aX-Injected:%201',
  '/v1/keys/a%7f',
  '/v1/keys/a;b',
  '/v1/keys;x=1/a',
  '/v1/keys/..;/auth/profile',
  '/v1/keys/a%25b',
  '/v1/%6Eothing',
  '/%68ealth',
  '/%6Detrics',
  '/v1/keys/%252e%252e',
  '/v1/keys/a#b',
  '/v1/auth/profile#',
  '/v1/keys/a%',
  '/v1/keys/a%4',
  '/v1/keys/a%zz',
  '/v1/keys/..%c0%af..%c0%afauth',
  '/v1/keys/%c0%ae%c0%ae',
  '/v1/keys/%e0%80%af',
  '/v1/keys/%ff%FE',
  '/v1/keys/caf%e9',
  '/v1/keys/%ed%a0%80',
  '/v1/keys/%F4%90%80%80',
  '/v1/keys/a%u002f',
  '/v1/keys/a"b',
  '/v1/keys/a<b>',
  '/v1/keys/a^b',
  '/v1/keys/a`b',
  '/v1/keys/{a}',
  'http://gateway//v1/auth/profile',
  'http://gateway/v1/keys/../auth/profile',
];

const UNREADABLE = [
  '/v1/keys/caf\xc3\xa9',
  '/v1/keys/\xe9',
  '/v1/keys/a\x7f',
  '/v1/keys/a\tb',
  '/v1/keys/a b',
  'v1/keys/a',
  'http:/v1/keys/a',
];

const INVALID_QUERIES = ['a?#', 'a?b=c#d', 'a?"', 'a?<', 'a?>', 'a?\\'];

const UNAMBIGUOUS = [
  '/v1/users/%6de',
  '/%761/users/%6D%65',
  '/v1/keys/%31',
  '/v1/keys/a%2Db',
  '/v1/keys/a%7Eb%5f',
  '/v1/keys/a%20b',
  '/v1/keys/caf%C3%A9',
  '/v1/keys/caf%c3%a9',
  '/v1/keys/ada%40example.com',
  '/v1/keys/ada@example.com',
  '/v1/keys/%3F%3a%2B%26%3D',
  "/v1/keys/a.b-c_d~!$&'()*+,=:",
  '/v1/keys/...',
  '/v1/keys/%F0%9F%98%80',
  '/v1/keys/a[0]|b',
  '/v1/keys/a?next=/../%2e%2e/;%00&plus=a+b&empty=&empty',
  '/v1/keys/a?',
  '/v1/keys/a??b',
  '/v1/keys/a?q=[0]^`{|}%',
];

describe('a path that two servers could read differently', () => {
  it.each(AMBIGUOUS)('%s is refused and goes nowhere', async (target) => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { statuses, json } = await exchangeRaw(gateway.port, request(target));

    expect(statuses).toEqual([400]);
    expect(json).toMatchObject({ error: 'Invalid path' });
    await gateway.logged({ message: 'request', status: 400, error_code: 'AMBIGUOUS_PATH' });
    expect(service.accepted()).toBe(0);
  });

  it.each(UNREADABLE)('%j is no request target at all: refused, and goes nowhere', async (target) => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { statuses, json } = await exchangeRaw(gateway.port, request(target));

    expect(statuses).toEqual([400]);
    expect(json).toHaveProperty('error');
    await gateway.logged({ message: 'malformed request', status: 400 });
    expect(service.accepted()).toBe(0);
  });

  it('is refused before the token is looked at', async () => {
    await using gateway = await startGateway();

    const { statuses } = await exchangeRaw(
      gateway.port,
      'GET /v1/keys/a%2Fb HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n',
    );

    expect(statuses).toEqual([400]);
  });
});

describe('a query of bytes that a request target may not hold', () => {
  it.each(INVALID_QUERIES)('%s is refused and goes nowhere', async (end) => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { statuses, json } = await exchangeRaw(gateway.port, request(`/v1/keys/${end}`));

    expect(statuses).toEqual([400]);
    expect(json).toMatchObject({ error: 'Invalid query' });
    await gateway.logged({ message: 'request', status: 400, error_code: 'INVALID_REQUEST' });
    expect(service.accepted()).toBe(0);
  });
});

describe('a path that every server reads alike', () => {
  it.each(UNAMBIGUOUS)('%s reaches the service byte for byte', async (target) => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { statuses } = await exchangeRaw(gateway.port, request(target));

    expect(statuses).toEqual([200]);
    expect(service.requests.map(({ line }) => line)).toEqual([`GET ${target} HTTP/1.1`]);
  });
});
