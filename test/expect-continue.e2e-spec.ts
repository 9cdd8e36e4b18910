import { bearer, startGateway } from './support/gateway.js';
import { RawClient } from './support/raw-client.js';
import { bodyOf, startService } from './support/service.js';

const upload = (path: string, headers = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n${headers}\r\n`;

describe('Expect: 100-continue', () => {
  it('is answered once the gates have passed, and never sent to the service', async () => {
    let expectation: string | undefined = 'none yet';
    await using service = await startService((request, response) => {
      expectation = request.headers.expect;
      void bodyOf(request).then((body) => response.end(`got ${body}`));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(upload('/v1/conversations', `Authorization: ${bearer().Authorization}\r\n`));

    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    client.write('bytes');
    await client.until(/got bytes$/);
    client.write('GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const { statuses } = await client.ended();

    expect(statuses).toEqual([100, 200, 200]);
    expect(expectation).toBeUndefined();
  });

  it.each([
    ['a gate', 401, '/v1/conversations', {}],
    ['the method', 405, '/v1/auth/profile', {}],
    ['the body limit', 413, '/v1/auth/login', { BODY_LIMIT_BYTES: '4' }],
  ])('refused by %s gets %d and no 100, and the connection ends', async (_name, status, path, env) => {
    await using gateway = await startGateway({ env });
    await using client = await RawClient.connect(gateway.port);
    const headers = status === 405 ? `Authorization: ${bearer().Authorization}\r\n` : '';
    client.write(upload(path, headers));

    const { statuses, text } = await client.ended();

    expect(statuses).toEqual([status]);
    expect(text).toMatch(/^Connection: close\r$/m);
  });

  it('is the only expectation there is: another gets 417', async () => {
    await using gateway = await startGateway();
    await using client = await RawClient.connect(gateway.port);
    client.write(upload('/v1/auth/login').replace('100-continue', 'a-miracle'));

    const { statuses, json } = await client.ended();

    expect(statuses).toEqual([417]);
    expect(json).toMatchObject({ error: 'Expectation not supported' });
  });
});
