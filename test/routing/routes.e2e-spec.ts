import type { IncomingMessage } from 'node:http';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { startService, type PlayedService } from '../support/service.js';

type Service = 'auth' | 'chat' | 'video' | 'storage';

/** Methods and path as the contract has them, section 1; `:x` filled in. */
const PUBLIC: readonly (readonly [Service, string, string])[] = [
  ['auth', 'POST', '/v1/auth/register'],
  ['auth', 'POST', '/v1/auth/login'],
  ['auth', 'POST', '/v1/auth/refresh'],
  ['auth', 'POST', '/v1/auth/password-reset/request'],
  ['auth', 'POST', '/v1/auth/password-reset/confirm'],
];

const PROTECTED: readonly (readonly [Service, string, string])[] = [
  ['auth', 'POST', '/v1/auth/logout'],
  ['auth', 'GET', '/v1/auth/profile'],
  ['auth', 'GET PATCH DELETE', '/v1/users/me'],
  ['auth', 'POST', '/v1/users/me/password'],
  ['auth', 'POST', '/v1/users/me/email'],
  ['auth', 'POST', '/v1/users/me/email/verify'],
  ['auth', 'GET', '/v1/users/me/blocked'],
  ['auth', 'GET', '/v1/users/me/friends'],
  ['auth', 'POST DELETE', '/v1/users/u1/block'],
  ['auth', 'POST', '/v1/users/u1/friend'],
  ['auth', 'POST', '/v1/users/me/friends/u1/accept'],
  ['auth', 'DELETE', '/v1/users/me/friends/u1/reject'],
  ['auth', 'DELETE', '/v1/users/me/friends/u1'],
  ['auth', 'GET POST', '/v1/conversations'],
  ['auth', 'GET PATCH DELETE', '/v1/conversations/c1'],
  ['auth', 'PUT', '/v1/conversations/c1/settings'],
  ['auth', 'GET POST', '/v1/conversations/c1/participants'],
  ['auth', 'DELETE', '/v1/conversations/c1/participants/u1'],
  ['auth', 'POST', '/v1/keys/upload'],
  ['auth', 'POST', '/v1/keys/rotate'],
  ['auth', 'GET', '/v1/keys/u1'],
  ['chat', 'GET POST', '/v1/messages'],
  ['chat', 'POST', '/v1/presence'],
  ['video', 'POST', '/v1/calls/initiate'],
  ['video', 'POST', '/v1/calls/k1/end'],
  ['video', 'POST', '/v1/calls/k1/join'],
  ['video', 'GET', '/v1/calls/k1'],
  ['storage', 'POST', '/v1/storage/upload-url'],
  ['storage', 'POST', '/v1/storage/upload-complete'],
  ['storage', 'GET', '/v1/storage/download-url/f1'],
  ['storage', 'GET', '/v1/storage/quota'],
  ['storage', 'DELETE', '/v1/storage/files/f1'],
];

const WEBSOCKETS = ['/v1/ws/chat', '/v1/calls/ws/signaling', '/v1/ws/signaling'];

interface Row {
  readonly service: Service;
  readonly method: string;
  readonly path: string;
}

const rowsOf = (table: typeof PUBLIC): Row[] =>
  table.flatMap(([service, methods, path]) =>
    methods.split(' ').map((method) => ({ service, method, path })),
  );

/** The gateway over four services, each of which tells its name and what it was asked. */
class System implements AsyncDisposable {
  readonly asked: string[] = [];
  gateway!: RunningGateway;
  private readonly services: PlayedService[] = [];

  static async start(): Promise<System> {
    const system = new System();
    const env: Record<string, string> = {};
    for (const name of ['auth', 'chat', 'video', 'storage']) {
      const service = await startService((request: IncomingMessage, response) => {
        system.asked.push(`${name} ${request.method} ${request.url}`);
        response.end();
      });
      system.services.push(service);
      env[`${name.toUpperCase()}_SERVICE_URL`] = service.url;
    }
    system.gateway = await startGateway({ env });
    return system;
  }

  async ask(method: string, target: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.gateway.url}${target}`, { method, headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    for (const service of this.services) await service[Symbol.asyncDispose]();
  }
}

let system: System;
beforeAll(async () => (system = await System.start()));
afterAll(() => system[Symbol.asyncDispose]());
beforeEach(() => (system.asked.length = 0));

const QUERY = '?limit=10&before=%2F..&empty=&q=a+b';

describe('a public route', () => {
  it.each(rowsOf(PUBLIC))('$method $path reaches $service without a token', async (row) => {
    const response = await system.ask(row.method, row.path + QUERY);

    expect(response.status).toBe(200);
    expect(system.asked).toEqual([`${row.service} ${row.method} ${row.path}${QUERY}`]);
  });
});

describe('a protected route', () => {
  it.each(rowsOf(PROTECTED))('$method $path reaches $service with a token', async (row) => {
    const response = await system.ask(row.method, row.path + QUERY, bearer());

    expect(response.status).toBe(200);
    expect(system.asked).toEqual([`${row.service} ${row.method} ${row.path}${QUERY}`]);
  });

  it.each(rowsOf(PROTECTED))('$method $path is 401 without a token', async ({ method, path }) => {
    const response = await system.ask(method, path);

    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: 'Authorization header required' });
    expect(system.asked).toEqual([]);
  });

  it.each(rowsOf(PROTECTED).filter(({ method }) => method === 'GET'))(
    'HEAD $path reaches $service where GET does, and has no body',
    async ({ service, path }) => {
      const response = await system.ask('HEAD', path, bearer());

      expect(response.status).toBe(200);
      expect(await response.text()).toBe('');
      expect(system.asked).toEqual([`${service} HEAD ${path}`]);
    },
  );
});

describe('a known path with another method', () => {
  it.each([...PUBLIC, ...PROTECTED])(
    '%s: all but %s of %s are 405 with Allow',
    async (_name, methods, path) => {
      const allowed = methods.replace('GET', 'GET HEAD').split(' ').toSorted();
      const others = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
        (method) => !allowed.includes(method),
      );
      for (const method of others) {
        const response = await system.ask(method, path, bearer());

        expect(`${method} ${response.status}`).toBe(`${method} 405`);
        expect(response.headers.get('allow')?.split(', ').toSorted()).toEqual(allowed);
        const body = await response.text();
        if (method !== 'HEAD') expect(JSON.parse(body)).toMatchObject({ error: 'Method not allowed' });
      }
      expect(system.asked).toEqual([]);
    },
  );

  it.each(['/health', '/metrics', '/swagger'])('POST %s is 405 too', async (path) => {
    const response = await system.ask('POST', path);

    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    expect(await response.json()).toMatchObject({ error: 'Method not allowed' });
  });
});

describe('an unknown path', () => {
  it.each([
    '/',
    '/v1',
    '/v1/',
    '/v1/nothing',
    '/v2/auth/login',
    '/V1/auth/profile',
    '/v1/auth/Profile',
    '/v1/auth/profile/',
    '/v1/auth/profile/more',
    '/v1/auth',
    '/v1/keys',
    '/v1/keys/',
    '/v1/keys/u1/u2',
    '/v1/calls',
    '/v1/calls/k1/nothing',
    '/health/nothing',
    '/favicon.ico',
  ])('%s is one JSON 404, with a token and without', async (path) => {
    for (const headers of [bearer(), {}]) {
      const response = await system.ask('GET', `${path}?secret=1`, headers);

      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(await response.json()).toEqual({
        error: 'Not found',
        request_id: response.headers.get('x-request-id'),
      });
    }
    expect(system.asked).toEqual([]);
  });
});

describe('a WebSocket route', () => {
  it.each(WEBSOCKETS)('answers 426 to a plain GET of %s with a token', async (path) => {
    const { statuses, text, json } = await exchangeRaw(
      system.gateway.port,
      `GET ${path}?id=1 HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer().Authorization}\r\nConnection: close\r\n\r\n`,
    );

    expect(statuses).toEqual([426]);
    expect(text).toMatch(/^Upgrade: websocket\r$/m);
    expect(json).toMatchObject({ error: 'WebSocket upgrade required' });
    expect(system.asked).toEqual([]);
  });

  it.each(WEBSOCKETS)('answers 401 to a plain GET of %s without a token', async (path) => {
    const response = await system.ask('GET', path);

    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: 'Authorization header required' });
  });
});

describe('two routes that one path could match', () => {
  it.each([
    ['POST', '/v1/users/me/block', 'auth POST /v1/users/me/block'],
    ['DELETE', '/v1/users/me/friends/reject', 'auth DELETE /v1/users/me/friends/reject'],
    ['GET', '/v1/calls/ws', 'video GET /v1/calls/ws'],
  ])('%s %s takes the one that has the method', async (method, path, asked) => {
    await system.ask(method, path, bearer());

    expect(system.asked).toEqual([asked]);
  });
});
