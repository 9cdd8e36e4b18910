import { once } from 'node:events';
import { startGateway } from './support/gateway.js';
import { exchangeRaw, RawClient } from './support/raw-client.js';
import { rawRequest } from './support/raw-request.js';
import { startService } from './support/service.js';

describe('requests that a client sends without waiting for answers', () => {
  it('are taken in turn: the next begins when the answer before it is out', async () => {
    const seen: string[] = [];
    await using service = await startService((request, response) => {
      seen.push(request.url!);
      service.server.emit('asked');
      service.server.once('go on', () => response.end(request.url));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    const first = once(service.server, 'asked');
    client.write(
      rawRequest('GET /v1/users/me') +
        rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } }),
    );
    await first;
    // Another request goes all the way meanwhile; the second one of the client would have too.
    await fetch(`${gateway.url}/health`);
    expect(seen).toEqual(['/v1/users/me']);

    const second = once(service.server, 'asked');
    service.server.emit('go on');
    await second;
    service.server.emit('go on');
    const { text, statuses } = await client.ended();

    expect(statuses).toEqual([200, 200]);
    expect(text).toMatch(/\/v1\/users\/me.*\/v1\/auth\/profile/s);
  });

  it('are read behind the empty line that some clients send after a body', async () => {
    await using service = await startService((request, response) => {
      request.resume().on('end', () => response.end(request.method));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const login = (connection: string): string =>
      rawRequest('POST /v1/auth/login', {
        headers: { Connection: connection, 'Content-Length': 5 },
        body: 'hello\r\n',
      });

    const { statuses } = await exchangeRaw(
      gateway.port,
      login('keep-alive') + rawRequest('GET /v1/users/me') + login('close'),
    );

    expect(statuses).toEqual([200, 200, 200]);
    expect(gateway.logs.filter(({ message }) => message === 'malformed request')).toEqual([]);
  });

  it('end with the one that says close', async () => {
    await using service = await startService((_request, response) => response.end());
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const last = rawRequest('GET /v1/users/me', { headers: { Connection: 'close' } });
    const { statuses } = await exchangeRaw(gateway.port, last + rawRequest('DELETE /v1/users/me'));

    expect(statuses).toEqual([200]);
    await gateway.logged({ message: 'request', method: 'GET' });
    expect(gateway.logs.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });

  it('cost their connection where there are too many', async () => {
    await using service = await startService(() => {});
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawRequest('GET /v1/users/me') + 'GET /swagger HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(900));
    await client.ended();

    const line = await gateway.logged({ message: 'request' });
    expect(line).toMatchObject({ path: '/v1/users/me', status: 499 });
    expect(gateway.logs.filter(({ message }) => message === 'request')).toHaveLength(1);
    expect(service.accepted()).toBeLessThanOrEqual(1);
  });
});
