import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { bearer, startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService } from '../support/service.js';

/** A service that tells when a request came and when its connection ended. */
async function startWatchingService(listener: RequestListener = () => {}) {
  const { promise: asked, resolve: ask } = Promise.withResolvers<IncomingMessage>();
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const service = await startService((request, response) => {
    request.on('error', () => {});
    request.socket.once('close', () => leave());
    listener(request, response);
    ask(request);
  });
  return Object.assign(service, { asked, left });
}

describe('clients that leave', () => {
  it('while they wait for a connection cost the service none', async () => {
    const waiting: ServerResponse[] = [];
    await using service = await startService((_request, response) => {
      waiting.push(response);
      service.server.emit('asked');
    });
    await using gateway = await startGateway({
      // Whose end says that its client has gone; that of anybody else may be a half-close.
      env: { AUTH_SERVICE_URL: service.url, UPSTREAM_MAX_CONNECTIONS: '1', TRUST_PROXY: '127.0.0.1' },
    });
    const first = once(service.server, 'asked');
    const held = fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });
    await first;
    for (let each = 0; each < 20; each++) {
      const client = await RawClient.connect(gateway.port);
      client.write(rawRequest('GET /v1/users/me'));
      client.socket.destroySoon();
    }
    await gateway.logged({ message: 'request', status: 499 });
    while (gateway.logs.filter(({ status }) => status === 499).length < 20)
      await fetch(`${gateway.url}/health`);
    const last = fetch(`${gateway.url}/v1/users/me/friends`, { headers: bearer() });
    const second = once(service.server, 'asked');

    waiting[0]!.end('held');
    await (await held).text();
    await second;
    waiting[1]!.end('last');
    await (await last).text();

    expect(waiting.map(({ req }) => req.url)).toEqual(['/v1/auth/profile', '/v1/users/me/friends']);
    expect(service.accepted()).toBe(1);
  });
});

describe('a client that leaves', () => {
  it('before the response headers ends the request to the service', async () => {
    await using service = await startWatchingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('GET /v1/auth/profile'));
    await service.asked;

    client.socket.resetAndDestroy();

    await service.left;
    const line = await gateway.logged({ message: 'request' });
    expect(line).toMatchObject({ status: 499, error_code: 'CLIENT_GONE', stage: 'response_headers' });
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  it('during a download ends it at the service', async () => {
    await using service = await startWatchingService((_request, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(64 * 1024)));
      };
      response.on('drain', more);
      more();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('GET /v1/auth/profile'));
    await client.until(/\r\n\r\n/);

    client.socket.resetAndDestroy();

    await service.left;
    const line = await gateway.logged({ message: 'request' });
    expect(line).toMatchObject({ status: 499, error_code: 'CLIENT_GONE', stage: 'response_body' });
  });

  it.each([
    ['of known length', { 'Content-Length': 100 }, 'part'],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }, '4\r\npart\r\n'],
  ])('during an upload %s breaks it off at the service', async (_name, headers, body) => {
    await using service = await startWatchingService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('POST /v1/messages', { headers, body }));
    const request = await service.asked;
    const [chunk] = (await once(request, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('part');

    client.socket.resetAndDestroy();

    await service.left;
    expect(request.complete).toBe(false);
    const line = await gateway.logged({ message: 'request' });
    expect(line).toMatchObject({ status: 499, error_code: 'CLIENT_GONE', stage: 'request_body' });
  });

  it('and did so in time is not taken for a fault of the service: the pool serves the next', async () => {
    await using service = await startWatchingService((request, response) => {
      if (request.url === '/v1/users/me') response.end('served');
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('GET /v1/auth/profile'));
    await service.asked;
    client.socket.resetAndDestroy();
    await service.left;

    await using next = await RawClient.connect(gateway.port);
    next.write(rawRequest('GET /v1/users/me', { headers: { Connection: 'close' } }));

    expect((await next.ended()).statuses).toEqual([200]);
  });
});
