import { once } from 'node:events';
import { bearer, startGateway, type GatewayOptions, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startService } from '../support/service.js';
import { openSocket, startSocketService } from '../support/websocket.js';

/** A gateway with limits, whose auth, chat, video and storage services answer everything. */
async function startLimited({ env = {}, ...options }: GatewayOptions = {}) {
  let answered = 0;
  const service = await startService((_request, response) => {
    answered++;
    response.end('{}');
  });
  const urls = ['AUTH', 'CHAT', 'VIDEO', 'STORAGE'].map((name) => [`${name}_SERVICE_URL`, service.url]);
  const gateway = await startGateway({
    env: { ...(Object.fromEntries(urls) as Record<string, string>), RATELIMIT: 'on', ...env },
    ...options,
  });
  const stack = new AsyncDisposableStack();
  stack.use(service);
  stack.use(gateway);
  return { gateway, answered: () => answered, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function ask(
  { url }: RunningGateway,
  path: string,
  { method = 'GET', ...headers }: Record<string, string> = {},
): Promise<Response> {
  const response = await fetch(url + path, { method, headers });
  await response.bytes();
  return response;
}

/** The statuses of so many requests, one after another. */
async function statuses(count: number, one: () => Promise<Response>): Promise<number[]> {
  const seen: number[] = [];
  while (seen.length < count) seen.push((await one()).status);
  return seen;
}

const times = (count: number, status: number): number[] => Array.from({ length: count }, () => status);

const limitsOf = ({ headers }: Response): (string | null)[] =>
  ['Limit', 'Remaining'].map((name) => headers.get(`X-RateLimit-${name}`));

/** Name, method and path of every limit of the contract, with its requests a minute. */
const CONTRACT: readonly [string, string, string, number][] = [
  ['AUTH_REGISTER', 'POST', '/v1/auth/register', 5],
  ['AUTH_LOGIN', 'POST', '/v1/auth/login', 10],
  ['AUTH_REFRESH', 'POST', '/v1/auth/refresh', 10],
  ['AUTH_PASSWORD_RESET_REQUEST', 'POST', '/v1/auth/password-reset/request', 3],
  ['AUTH_PASSWORD_RESET_CONFIRM', 'POST', '/v1/auth/password-reset/confirm', 5],
  ['USERS_ME', 'GET', '/v1/users/me', 50],
  ['USERS_ME', 'GET', '/v1/users/me/blocked', 50],
  ['USERS_ME_PASSWORD', 'POST', '/v1/users/me/password', 5],
  ['USERS_ME_EMAIL', 'POST', '/v1/users/me/email', 5],
  ['USERS_ME_EMAIL', 'POST', '/v1/users/me/email/verify', 5],
  ['USERS_ME_FRIENDS', 'GET', '/v1/users/me/friends', 30],
  ['USERS_ME_FRIENDS', 'POST', '/v1/users/me/friends/7/accept', 30],
  ['USERS_ID_BLOCK', 'POST', '/v1/users/7/block', 20],
  ['KEYS_UPLOAD', 'POST', '/v1/keys/upload', 20],
  ['KEYS_ROTATE', 'POST', '/v1/keys/rotate', 10],
  ['MESSAGES', 'GET', '/v1/messages', 100],
  ['CONVERSATIONS', 'GET', '/v1/conversations', 50],
  ['CONVERSATIONS_ID', 'GET', '/v1/conversations/7', 100],
  ['CONVERSATIONS_ID', 'PUT', '/v1/conversations/7/settings', 100],
  ['CONVERSATIONS_ID_PARTICIPANTS', 'GET', '/v1/conversations/7/participants', 30],
  ['CONVERSATIONS_ID_PARTICIPANTS', 'DELETE', '/v1/conversations/7/participants/8', 30],
  ['CALLS_INITIATE', 'POST', '/v1/calls/initiate', 10],
  ['CALLS_ID', 'GET', '/v1/calls/7', 30],
  ['CALLS_ID', 'POST', '/v1/calls/7/end', 30],
  ['CALLS_ID_JOIN', 'POST', '/v1/calls/7/join', 10],
  ['STORAGE_UPLOAD_URL', 'POST', '/v1/storage/upload-url', 20],
  ['STORAGE_DOWNLOAD_URL', 'GET', '/v1/storage/download-url/7', 30],
  ['STORAGE_FILES', 'DELETE', '/v1/storage/files/7', 20],
  ['DEFAULT', 'GET', '/v1/auth/profile', 100],
];

describe('the limits of the contract', () => {
  it.each(CONTRACT)('%s holds for %s %s: %d a minute', async (name, method, path, perMinute) => {
    await using system = await startLimited();
    const first = await ask(system.gateway, path, { method, ...bearer() });

    expect(limitsOf(first)).toEqual([String(perMinute), String(perMinute - 1)]);

    await using other = await startLimited({ env: { [`RATELIMIT_${name}`]: '2' } });
    const user = bearer();
    expect(await statuses(3, () => ask(other.gateway, path, { method, ...user }))).toEqual([200, 200, 429]);
  });
});

describeWithRedis('a limit', () => {
  it('refuses past it with the fields, the headers and the figure of the contract, before the service', async () => {
    await using redis = await RedisServer.start();
    await using system = await startLimited({ env: { REDIS_URL: redis.url } });
    const { gateway } = system;
    const begun = Date.now() / 1000;
    const login = (): Promise<Response> => ask(gateway, '/v1/auth/login', { method: 'POST' });
    expect(await statuses(10, login)).toEqual(times(10, 200));

    const response = await fetch(`${gateway.url}/v1/auth/login`, { method: 'POST' });

    expect(response.status).toBe(429);
    const body = (await response.json()) as Record<string, unknown>;
    const resetAt = Number(response.headers.get('X-RateLimit-Reset'));
    expect(body).toMatchObject({ error: 'Rate limit exceeded', limit: 10, remaining: 0, reset_at: resetAt });
    expect(limitsOf(response)).toEqual(['10', '0']);
    expect(resetAt).toBeGreaterThan(begun);
    expect(resetAt).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000) + 60);
    const retryAfter = Number(response.headers.get('Retry-After'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(system.answered()).toBe(10);
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(/rate_limit_blocked_total\{endpoint="\/v1\/auth\/login",.*\} 1\n/);
  });

  it('is each user own, whatever the address, and each address own where nobody is known', async () => {
    await using redis = await RedisServer.start();
    await using system = await startLimited({
      env: { REDIS_URL: redis.url, TRUST_PROXY: '1', RATELIMIT_AUTH_LOGIN: '1', RATELIMIT_MESSAGES: '1' },
    });
    const { gateway } = system;
    const from = (address: string, headers: object = {}) => ({ 'X-Forwarded-For': address, ...headers });
    const login = async (address: string): Promise<number> =>
      (await ask(gateway, '/v1/auth/login', { method: 'POST', ...from(address) })).status;
    const ada = bearer();

    expect([await login('192.0.2.1'), await login('192.0.2.1'), await login('192.0.2.2')]).toEqual([
      200, 429, 200,
    ]);
    // One client has all of its /64.
    expect([await login('2001:db8::1'), await login('2001:db8::2'), await login('2001:db8:0:1::1')]).toEqual([
      200, 429, 200,
    ]);
    const messages = async (headers: Record<string, string>): Promise<number> =>
      (await ask(gateway, '/v1/messages', headers)).status;
    expect([
      await messages(from('192.0.2.9', ada)),
      await messages(from('192.0.2.10', ada)),
      await messages(from('192.0.2.9', bearer())),
    ]).toEqual([200, 429, 200]);
  });

  it('that is shared by routes is one count; all that name none share another', async () => {
    await using redis = await RedisServer.start();
    await using system = await startLimited({
      env: { REDIS_URL: redis.url, RATELIMIT_CALLS_ID: '2', RATELIMIT_DEFAULT: '2' },
    });
    const user = bearer();
    const seen: number[] = [];
    for (const [method, path] of [
      ['GET', '/v1/calls/7'],
      ['POST', '/v1/calls/8/end'],
      ['GET', '/v1/calls/9'],
      ['GET', '/v1/auth/profile'],
      ['POST', '/v1/users/8/friend'],
      ['GET', '/v1/auth/profile'],
    ] as const) {
      seen.push((await ask(system.gateway, path, { method, ...user })).status);
    }

    expect(seen).toEqual([200, 200, 429, 200, 200, 429]);
  });

  it('counts what no route has, and never those who watch the gateway', async () => {
    await using redis = await RedisServer.start();
    await using system = await startLimited({ env: { REDIS_URL: redis.url, RATELIMIT_DEFAULT: '3' } });
    const { gateway } = system;

    expect(await statuses(4, () => ask(gateway, '/nowhere'))).toEqual([404, 404, 404, 429]);
    for (const path of ['/health', '/health/live', '/health/ready', '/metrics']) {
      const response = await ask(gateway, path);
      expect([path, response.status, limitsOf(response)]).toEqual([path, 200, [null, null]]);
    }
  });

  it('counts the opening of WebSockets, before the service is dialled', async () => {
    await using redis = await RedisServer.start();
    await using sockets = await startSocketService();
    await using system = await startLimited({
      env: { REDIS_URL: redis.url, CHAT_SERVICE_URL: sockets.url, RATELIMIT_DEFAULT: '2' },
    });
    const headers = bearer();
    await using one = await openSocket(system.gateway, undefined, { headers });
    await using two = await openSocket(system.gateway, undefined, { headers });

    await expect(openSocket(system.gateway, undefined, { headers })).rejects.toThrow('refused with 429');
    expect(one.handshake.headers).toMatchObject({ 'x-ratelimit-limit': '2', 'x-ratelimit-remaining': '1' });
    expect(two.handshake.headers).toMatchObject({ 'x-ratelimit-remaining': '0' });
    expect(sockets.connections).toHaveLength(2);
  });

  it('costs Redis one command a request, and none once it is used up', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    const monitor = await redis.monitor();
    await using system = await startLimited({ env: { REDIS_URL: redis.url } });
    const { gateway } = system;
    const user = bearer();
    const seen: { readonly args: readonly string[]; readonly source: string }[] = [];
    monitor.on('monitor', (_time: string, args: string[], source: string) => seen.push({ args, source }));
    const commands = async (): Promise<number> => {
      const mark = `end ${seen.length}`;
      await client.get(mark);
      while (!seen.some(({ args }) => args[1] === mark)) await once(monitor, 'monitor');
      const own = seen.filter(
        ({ args, source }) => source !== 'lua' && args.some((arg) => arg.includes('ratelimit')),
      );
      return own.length;
    };
    // The first brings the script.
    await ask(gateway, '/v1/messages', user);
    const before = await commands();

    expect(await statuses(99, () => ask(gateway, '/v1/messages', user))).toEqual(times(99, 200));
    expect(await commands()).toBe(before + 99);
    expect(await statuses(50, () => ask(gateway, '/v1/messages', user))).toEqual(times(50, 429));
    // The first past the limit is how it is known to be used up.
    expect(await commands()).toBe(before + 100);
  });

  it('is kept under keys of the gateway, which end with their minute', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    await using system = await startLimited({ env: { REDIS_URL: redis.url } });
    await ask(system.gateway, '/v1/auth/login', { method: 'POST' });

    const keys = await client.keys('*');

    expect(keys.every((key) => key.startsWith('gateway:'))).toBe(true);
    expect(keys).toContain('gateway:ratelimit:AUTH_LOGIN:address:127.0.0.1');
    const lives = await Promise.all(keys.map((key) => client.pttl(key)));
    for (const life of lives) {
      expect(life).toBeGreaterThan(0);
      expect(life).toBeLessThanOrEqual(60_000);
    }
  });

  it('is not moved by the clock of this machine', async () => {
    await using redis = await RedisServer.start();
    await using system = await startLimited({ env: { REDIS_URL: redis.url, RATELIMIT_AUTH_LOGIN: '2' } });
    const login = (): Promise<Response> => ask(system.gateway, '/v1/auth/login', { method: 'POST' });
    const seen = await statuses(3, login);
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);

    seen.push(...(await statuses(2, login)));

    now.mockRestore();
    expect(seen).toEqual([200, 200, 429, 429, 429]);
  });
});

describe('the boot stops', () => {
  it.each([
    ['RATELIMIT_NOBODY', '5', 'RATELIMIT_NOBODY is set, and no route has that limit'],
    ['RATELIMIT_AUTH_LOGIN', '0', 'RATELIMIT_AUTH_LOGIN is "0"; it takes requests a minute, 1 to 1000000'],
    ['RATELIMIT_AUTH_LOGIN', 'many', 'RATELIMIT_AUTH_LOGIN is "many"'],
  ])('at %s=%s', async (name, value, message) => {
    await expect(startGateway({ env: { [name]: value } })).rejects.toThrow(message);
  });
});

describe('a switch', () => {
  it('turns all limits off', async () => {
    await using system = await startLimited({ env: { RATELIMIT: 'off' } });

    const seen = await statuses(12, () => ask(system.gateway, '/v1/auth/login', { method: 'POST' }));

    expect(seen).toEqual(times(12, 200));
  });
});
