import { bearer, startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { released, startRawService, startService } from '../support/service.js';

/** The figure of a counter for one service. */
function figureOf(metrics: string, name: string, upstream: string): number {
  const line = metrics
    .split('\n')
    .find((each) => each.startsWith(`${name}{`) && each.includes(`"${upstream}"`));
  return Number(line?.split(' ').at(-1));
}

async function metricsOf(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

describe('connections to a service', () => {
  it('serve one request after another: 20 need one', async () => {
    await using service = await startService((_request, response) => response.end('served'));
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    for (let count = 0; count < 20; count++) {
      await using client = await RawClient.connect(gateway.port);
      client.write(rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } }));
      expect((await client.ended()).statuses).toEqual([200]);
    }

    expect(service.accepted()).toBe(1);
    const metrics = await metricsOf(gateway.url);
    expect(figureOf(metrics, 'upstream_connections_opened_total', 'auth-service')).toBe(1);
    expect(figureOf(metrics, 'upstream_connections_reused_total', 'auth-service')).toBe(19);
  });

  it.each([
    ['a DELETE', 'DELETE /v1/users/me', {}, ''],
    ['a DELETE with a body', 'DELETE /v1/users/me', { 'Content-Length': 4 }, 'body'],
    [
      'a DELETE with a chunked body',
      'DELETE /v1/users/me',
      { 'Transfer-Encoding': 'chunked' },
      '4\r\nbody\r\n0\r\n\r\n',
    ],
    ['a POST', 'POST /v1/conversations', { 'Content-Length': 4 }, 'body'],
    ['a GET with a body', 'GET /v1/users/me', { 'Content-Length': 4 }, 'body'],
  ])('serve on after %s', async (_name, target, headers, body) => {
    await using service = await startService((request, response) => {
      request.resume().on('end', () => response.end('served'));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    for (let count = 0; count < 3; count++) {
      await using client = await RawClient.connect(gateway.port);
      client.write(rawRequest(target, { headers: { ...headers, Connection: 'close' }, body }));
      expect((await client.ended()).statuses).toEqual([200]);
    }

    expect(service.accepted()).toBe(1);
  });

  it.each([
    ['a line break', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', '\r\n'],
    ['half a line break', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', '\n'],
    [
      'a line break behind chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      '\r\n',
    ],
    ['another response', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'HTTP/1.1 200 OK\r\n\r\n'],
  ])('serve nobody any more once they have brought %s too much', async (_what, response, more) => {
    for (const isLate of [false, true]) {
      await using service = await startRawService((socket) => {
        socket.once('data', () => {
          socket.write(isLate ? response : response + more);
          if (isLate) setTimeout(() => socket.write(more), 10);
        });
      });
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

      for (let count = 1; count <= 3; count++) {
        const answer = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });
        expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
        // The gateway ends the connection by itself.
        await released(service);
      }

      expect(service.accepted()).toBe(3);
    }
  });

  it('are as many as there are requests at a time', async () => {
    const waiting: (() => void)[] = [];
    await using service = await startService((_request, response) => {
      waiting.push(() => response.end('served'));
      if (waiting.length === 3) for (const answer of waiting) answer();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const ask = async (): Promise<readonly number[]> => {
      await using client = await RawClient.connect(gateway.port);
      client.write(rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } }));
      return (await client.ended()).statuses;
    };

    const answers = await Promise.all([ask(), ask(), ask()]);

    expect(answers).toEqual([[200], [200], [200]]);
    expect(service.accepted()).toBe(3);
  });
});
