import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { SHORT_TIMEOUTS } from '../support/timeouts.js';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRawService, startService, type PlayedService } from '../support/service.js';

interface HoldingService extends PlayedService {
  /** Method and path of each request that arrived, in order. */
  readonly requests: string[];
  /** The response of the next request that arrives. */
  readonly nextResponse: () => Promise<ServerResponse>;
}

/** A service that answers when the test does. */
async function startHoldingService(): Promise<HoldingService> {
  const requests: string[] = [];
  const service = await startService((request) => {
    requests.push(`${request.method} ${request.url}`);
    request.on('error', () => {}).resume();
  });
  return Object.assign(service, {
    requests,
    nextResponse: async () => ((await once(service.server, 'request')) as [unknown, ServerResponse])[1],
  });
}

/** How the pool of auth-service stands: connections, requests that run, requests that wait. */
async function figuresOf({ url }: RunningGateway): Promise<number[]> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return ['upstream_connections', 'upstream_requests_running', 'upstream_requests_waiting'].map((name) =>
    Number(new RegExp(`^${name}\\{[^}]*"auth-service"[^}]*\\} (\\d+)$`, 'm').exec(metrics)?.[1]),
  );
}

/** Asks until the pool stands so, but not for ever. */
async function expectFigures(gateway: RunningGateway, expected: number[]): Promise<void> {
  let figures = await figuresOf(gateway);
  for (let asked = 1; asked < 200 && !isDeepStrictEqual(figures, expected); asked++) {
    figures = await figuresOf(gateway);
  }
  expect(figures).toEqual(expected);
}

function ask({ url }: RunningGateway, path: string, method = 'GET'): Promise<Response> {
  return fetch(`${url}${path}`, { method, headers: bearer(), body: method === 'GET' ? null : 'once' });
}

describe('a service of two instances', () => {
  it('gets its requests at either, each over one connection', async () => {
    await using one = await startService((_request, response) => response.end('one'));
    await using other = await startService((_request, response) => response.end('other'));
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: `${one.url},${other.url}` } });

    const answers: string[] = [];
    while (new Set(answers).size < 2 || answers.length < 6) {
      answers.push(await (await ask(gateway, '/v1/auth/profile')).text());
    }

    expect([one.accepted(), other.accepted()]).toEqual([1, 1]);
    await gateway.logged({ instance: one.url });
    await gateway.logged({ instance: other.url });
  });
});

describe('a service that may have one connection', () => {
  const limited = (service: PlayedService, env = {}): Promise<RunningGateway> =>
    startGateway({ env: { AUTH_SERVICE_URL: service.url, UPSTREAM_MAX_CONNECTIONS: '1', ...env } });

  it('gets the second request after the first, and the metrics show who waits', async () => {
    await using service = await startHoldingService();
    await using gateway = await limited(service);
    await expectFigures(gateway, [0, 0, 0]);

    const first = ask(gateway, '/v1/auth/profile');
    const firstResponse = await service.nextResponse();
    await expectFigures(gateway, [1, 1, 0]);
    const second = ask(gateway, '/v1/users/me');
    await expectFigures(gateway, [1, 1, 1]);
    expect(service.requests).toEqual(['GET /v1/auth/profile']);

    const next = service.nextResponse();
    firstResponse.end('first');
    expect(await (await first).text()).toBe('first');
    const secondResponse = await next;
    await expectFigures(gateway, [1, 1, 0]);
    secondResponse.end('second');
    expect(await (await second).text()).toBe('second');
    await expectFigures(gateway, [1, 0, 0]);
    expect(service.accepted()).toBe(1);
  });

  it.each(['GET', 'POST'])('never gets a %s whose deadline passed while it waited', async (method) => {
    await using service = await startHoldingService();
    await using gateway = await limited(service, SHORT_TIMEOUTS);
    const stream = ask(gateway, '/v1/users/me/friends');
    const events = await service.nextResponse();
    events.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();

    const late = await ask(gateway, '/v1/conversations', method);
    const after = ask(gateway, '/v1/users/me');
    await expectFigures(gateway, [1, 1, 1]);
    const next = service.nextResponse();
    events.end();
    await (await stream).text();
    (await next).end('served');

    expect(late.status).toBe(504);
    expect(await (await after).text()).toBe('served');
    expect(service.requests).toEqual(['GET /v1/users/me/friends', 'GET /v1/users/me']);
    expect(await gateway.logged({ status: 504 })).toMatchObject({
      stage: 'connect',
      cause: 'request timeout',
    });
  });

  it('never gets a request whose client left while it waited', async () => {
    await using service = await startHoldingService();
    await using gateway = await limited(service);
    const first = ask(gateway, '/v1/auth/profile');
    const firstResponse = await service.nextResponse();
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('DELETE /v1/users/me'));
    await expectFigures(gateway, [1, 1, 1]);

    client.socket.resetAndDestroy();
    await gateway.logged({ error_code: 'CLIENT_GONE' });
    const after = ask(gateway, '/v1/users/me');
    await expectFigures(gateway, [1, 1, 1]);
    const next = service.nextResponse();
    firstResponse.end();
    await (await first).text();
    (await next).end('served');

    expect(await (await after).text()).toBe('served');
    expect(service.requests).toEqual(['GET /v1/auth/profile', 'GET /v1/users/me']);
  });
});

describe('an unused connection to a service', () => {
  it.each([
    ['the gateway keeps it, where the service says nothing', '', '200'],
    ['the gateway keeps it, where the service would keep it longer', 'Keep-Alive: timeout=60\r\n', '200'],
    ['the service keeps it, where that is less', 'Keep-Alive: timeout=2\r\n', '60000'],
  ])('is closed after the time that %s', async (_name, header, keepAliveMs) => {
    await using service = await startRawService((socket) => {
      socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\n${header}Content-Length: 6\r\n\r\nserved`));
    });
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, UPSTREAM_KEEP_ALIVE_TIMEOUT_MS: keepAliveMs },
    });
    expect(await (await ask(gateway, '/v1/auth/profile')).text()).toBe('served');
    expect(await (await ask(gateway, '/v1/auth/profile')).text()).toBe('served');
    expect(service.accepted()).toBe(1);

    // Less than the 4 s of the product's default.
    const [socket] = service.sockets;
    await once(socket!, 'end', { signal: AbortSignal.timeout(3_000) });
    socket!.end();

    await expectFigures(gateway, [0, 0, 0]);
  });
});
