import { once } from 'node:events';
import { startGateway } from './support/gateway.js';
import { RawClient } from './support/raw-client.js';
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
