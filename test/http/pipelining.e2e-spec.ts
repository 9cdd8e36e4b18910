import { once } from 'node:events';
import { bearer, startGateway } from '../support/gateway.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService } from '../support/service.js';

/** A service that answers nothing until `answerAll`. */
async function startWaitingService() {
  const { promise: mayAnswer, resolve: answerAll } = Promise.withResolvers<void>();
  const service = await startService((_request, response) => {
    void mayAnswer.then(() => response.end('served'));
  });
  return { url: service.url, answerAll, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

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

  it.each([66, 1_000, 5_000])('have their answers in order, %i of them', async (count) => {
    const seen: string[] = [];
    await using service = await startService((request, response) => {
      seen.push(request.url!);
      response.end(`<${request.url!.split('=')[1]}>`);
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    const token = bearer();
    const requests = Array.from({ length: count }, (_, index) => {
      const headers = { ...token, ...(index === count - 1 && { Connection: 'close' }) };
      return rawRequest(`GET /v1/auth/profile?n=${index}`, { headers });
    });

    client.write(requests.join(''));
    const { text, statuses } = await client.ended();

    expect(statuses).toHaveLength(count);
    expect([...text.matchAll(/<(\d+)>/g)].map(([, index]) => Number(index))).toEqual(
      Array.from({ length: count }, (_, index) => index),
    );
    expect(seen).toHaveLength(count);
  });

  it('have time for a head that was not read for its turn', async () => {
    await using service = await startWaitingService();
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, CLIENT_HEADER_TIMEOUT_MS: '300' },
    });
    const late = once(gateway.app.getHttpServer(), 'clientError');
    await using client = await RawClient.connect(gateway.port);
    const padded = rawRequest('GET /v1/auth/profile', { headers: { 'X-Padding': 'x'.repeat(2_000) } });
    const last = rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } });

    // More than one read: behind the last complete request of it stands half a head.
    client.write(padded.repeat(100) + last);
    const [error] = (await late) as [NodeJS.ErrnoException];
    service.answerAll();
    const { statuses } = await client.ended();

    expect(error.code).toBe('ERR_HTTP_REQUEST_TIMEOUT');
    expect(statuses).toEqual(Array.from({ length: 101 }, () => 200));
    expect(gateway.logs.filter(({ message }) => message === 'malformed request')).toEqual([]);
  });

  it('have no more time than that, once the connection is read', async () => {
    await using service = await startWaitingService();
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, CLIENT_HEADER_TIMEOUT_MS: '300' },
    });
    const late = once(gateway.app.getHttpServer(), 'clientError');
    await using client = await RawClient.connect(gateway.port);

    client.write(`${rawRequest('GET /v1/auth/profile').repeat(80)}GET /v1/auth/pro`);
    await late;
    service.answerAll();

    expect((await client.ended()).statuses).toEqual([...Array.from({ length: 80 }, () => 200), 408]);
  });
});
