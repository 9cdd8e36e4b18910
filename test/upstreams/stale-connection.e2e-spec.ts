import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { startRawService, startService, type PlayedService } from '../support/service.js';

interface ForgetfulService extends PlayedService {
  /** Method and path of each request that arrived, in order. */
  readonly requests: string[];
}

/** Answers the first request of each connection and cuts the connection at the second, as a service that had just closed it. */
async function startForgetfulService(): Promise<ForgetfulService> {
  const served = new WeakSet<object>();
  const requests: string[] = [];
  const service = await startService((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (served.has(request.socket)) request.socket.resetAndDestroy();
    else response.end('served');
    served.add(request.socket);
  });
  return Object.assign(service, { requests });
}

describe('a pooled connection that the service closes at the moment of reuse', () => {
  it.each(['GET', 'HEAD'])('costs a %s nothing: it is sent again, once, on a fresh one', async (method) => {
    await using service = await startForgetfulService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await (await fetch(`${gateway.url}/v1/users/me`, { headers: bearer() })).text();

    const second = await fetch(`${gateway.url}/v1/users/me`, { method, headers: bearer() });

    expect(second.status).toBe(200);
    const line = await gateway.logged({ request_id: second.headers.get('x-request-id') });
    expect(line).toMatchObject({ attempts: 2, reused_connection: false, status: 200 });
    expect(service.requests).toHaveLength(3);
  });

  it.each([
    ['POST', '/v1/conversations'],
    ['PATCH', '/v1/users/me'],
    ['PUT', '/v1/conversations/1/settings'],
    ['DELETE', '/v1/users/me'],
  ])('is a 502 for a %s, which reaches the service once and never again', async (method, path) => {
    await using service = await startForgetfulService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await (await fetch(`${gateway.url}/v1/users/me`, { headers: bearer() })).text();

    const response = await fetch(`${gateway.url}${path}`, {
      method,
      headers: bearer(),
      ...(method !== 'DELETE' && { body: 'once' }),
    });

    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: 'Service unavailable', service: 'auth-service' });
    expect(service.requests.filter((request) => request === `${method} ${path}`)).toHaveLength(1);
    const line = await gateway.logged({ request_id: response.headers.get('x-request-id') });
    expect(line).toMatchObject({ error_code: 'UPSTREAM_DISCONNECTED', reused_connection: true, attempts: 1 });
  });

  it('is a 502 for a GET whose answer had begun', async () => {
    let asked = 0;
    await using service = await startRawService((socket) => {
      socket.on('data', () => {
        asked++;
        if (asked === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.end('HTTP/1.1 20');
      });
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const send = (): Promise<Response> => fetch(`${gateway.url}/v1/users/me`, { headers: bearer() });
    await (await send()).text();

    const second = await send();

    expect(second.status).toBe(502);
    expect(asked).toBe(2);
  });

  it('is one 502 where the fresh connection breaks too', async () => {
    let requests = 0;
    await using service = await startService((request, response) => {
      requests++;
      if (requests === 1) response.end();
      else request.socket.resetAndDestroy();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await (await fetch(`${gateway.url}/v1/users/me`, { headers: bearer() })).text();

    const response = await fetch(`${gateway.url}/v1/users/me`, { headers: bearer() });

    expect(response.status).toBe(502);
    expect(requests).toBe(3);
  });

  it('is not asked again where the connection was fresh', async () => {
    let requests = 0;
    await using service = await startService((request) => {
      requests++;
      request.socket.resetAndDestroy();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const response = await fetch(`${gateway.url}/v1/users/me`, { headers: bearer() });

    expect(response.status).toBe(502);
    expect(requests).toBe(1);
  });
});

describe('a pooled connection on which the service says 408, as some do when it was idle', () => {
  const send = ({ url }: RunningGateway, method: string): Promise<Response> =>
    fetch(`${url}/v1/users/me`, { method, headers: bearer() });

  async function startImpatientService(): Promise<PlayedService> {
    return startRawService((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        socket.once('data', () => {
          socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        });
      });
    });
  }

  it('costs a GET nothing: it is sent again on a fresh one', async () => {
    await using service = await startImpatientService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await (await send(gateway, 'GET')).text();

    const second = await send(gateway, 'GET');

    expect(second.status).toBe(200);
    expect(await second.text()).toBe('ok');
    expect(service.accepted()).toBe(2);
  });

  it('is what a DELETE gets, which is not sent again', async () => {
    await using service = await startImpatientService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await (await send(gateway, 'GET')).text();

    expect((await send(gateway, 'DELETE')).status).toBe(408);
    expect(service.accepted()).toBe(1);
  });

  it('is what a GET gets whose connection was fresh', async () => {
    await using service = await startRawService((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    expect((await send(gateway, 'GET')).status).toBe(408);
    expect(service.accepted()).toBe(1);
  });
});
