import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import { parse } from 'yaml';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { travel } from '../support/journey.js';
import { describeWithPrometheus, RedisExporter } from '../support/prometheus.js';
import { describeWithRedis } from '../support/redis.js';
import { startReferenceServices } from '../support/reference-services.js';
import { replaceOnce, StackRedis } from '../support/stack-redis.js';

const run = promisify(execFile);

/** The codes of what Redis refused or failed at, by its own count. */
async function errorsOf(redis: Redis): Promise<string[]> {
  return [...(await redis.info('errorstats')).matchAll(/^errorstat_(\w+):/gm)].map(([, code]) => code!);
}

async function startSystem(redis: StackRedis) {
  const stack = new AsyncDisposableStack();
  const services = stack.use(await startReferenceServices(await redis.url('redis_auth_url')));
  const env = { ...services.env, REDIS_URL: await redis.url('redis_gateway_url'), RATELIMIT: 'on' };
  const here = stack.use(await startGateway({ env }));
  const there = stack.use(await startGateway({ env }));
  return { here, there, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function readiness({ url }: RunningGateway): Promise<unknown> {
  const { details } = (await (await fetch(`${url}/health/ready`)).json()) as {
    details: Record<string, unknown>;
  };
  return details['redis'];
}

async function register({ url }: RunningGateway): Promise<string> {
  const username = randomUUID().slice(0, 8);
  const response = await fetch(`${url}/v1/auth/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: `${username}@example.org`, username, password: randomUUID() }),
  });
  return ((await response.json()) as { data: { access_token: string } }).data.access_token;
}

async function profile({ url }: RunningGateway, token: string): Promise<Response> {
  const response = await fetch(`${url}/v1/auth/profile`, { headers: { Authorization: `Bearer ${token}` } });
  await response.bytes();
  return response;
}

describeWithRedis('with the users of the stack, Redis lets', () => {
  it('gateways and the auth service do all that they do', async () => {
    await using redis = await StackRedis.start();
    const operator = await redis.clientOf('operator');
    const before = randomUUID();
    await operator.set(`blacklist:${before}`, 'revoked', 'EX', 900);
    await using system = await startSystem(redis);
    const { here, there } = system;

    await travel(here);
    const token = await register(here);
    const first = await profile(here, token);
    const second = await profile(there, token);
    const remaining = [first, second].map(({ headers }) => Number(headers.get('X-RateLimit-Remaining')));
    expect([first.status, second.status, remaining[0]! - remaining[1]!]).toEqual([200, 200, 1]);
    await fetch(`${here.url}/v1/auth/logout`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
    });

    while ((await profile(there, token)).status !== 401);
    const known = await fetch(`${there.url}/v1/messages`, { headers: bearer({ jti: before }) });
    expect(known.status).toBe(401);
    expect(await readiness(there)).toEqual({ status: 'up', revocation: 'in memory' });
    expect(await operator.keys('gateway:ratelimit:*')).not.toEqual([]);
    expect(await operator.acl('LOG')).toEqual([]);
    expect(await errorsOf(operator)).toEqual([]);
  }, 30_000);

  it('its own health check ping, which fails for a server that is gone', async () => {
    await using redis = await StackRedis.start();
    const { services } = parse(await readFile('docker-compose.yml', 'utf8'), { merge: true }) as {
      services: { redis: { healthcheck: { test: [string, string] } } };
    };
    const [form, text] = services.redis.healthcheck.test;
    const check = [
      ['$$', '$'],
      ['/run/secrets/', `${redis.secrets.folder}/`],
      ['redis-cli', `redis-cli -p ${redis.server.port}`],
    ].reduce((command, [from, to]) => replaceOnce(command, from!, to!), text);

    expect(form).toBe('CMD-SHELL');
    const password = await redis.secrets.read('redis_health_password');
    await writeFile(redis.secrets.path('redis_health_password'), 'another');
    await expect(run('sh', ['-c', check])).rejects.toMatchObject({ code: 1 });
    await writeFile(redis.secrets.path('redis_health_password'), password);
    await run('sh', ['-c', check]);
    await redis.server.kill();
    await expect(run('sh', ['-c', check])).rejects.toMatchObject({ code: 1 });
  });
});

describeWithPrometheus('with the users of the stack, Redis lets', () => {
  it('its exporter read every figure', async () => {
    await using redis = await StackRedis.start();
    const operator = await redis.clientOf('operator');
    const address = `redis://127.0.0.1:${redis.server.port}`;
    const file = redis.secrets.path('redis_exporter');
    await writeFile(
      file,
      (await redis.secrets.read('redis_exporter')).replaceAll('redis:6379', address.slice(8)),
    );
    await using exporter = await RedisExporter.start(
      address,
      '--redis.user=exporter',
      `--redis.password-file=${file}`,
    );

    const figures = await (await fetch(`${exporter.url}/metrics`)).text();

    expect(figures).toMatch(/^redis_up 1$/m);
    expect(figures).toMatch(/^redis_memory_max_bytes 1\.34217728e\+08$/m);
    expect(await operator.acl('LOG')).toEqual([]);
  });
});
