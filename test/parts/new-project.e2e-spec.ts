import { WebSocket } from 'ws';
import { once } from 'node:events';
import { freePort } from '../support/free-port.mjs';
import { ForeignProject, TARBALL } from '../support/foreign-project.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';

/** The longest that the whole may take: two minutes from nothing to a running gateway, and the checks. */
const LIMIT_MS = 240_000;

describeWithRedis('a project of `gateway new`', () => {
  let place: ForeignProject;
  let shop: ForeignProject;
  let redis: RedisServer;
  let begun: number;

  beforeAll(async () => {
    redis = await RedisServer.start();
    begun = performance.now();
    place = await ForeignProject.create();
    await place.run('npx', ['--yes', '--package', TARBALL, 'gateway', 'new', 'shop']);
    shop = place.within('shop');
    await shop.install();
  }, LIMIT_MS);

  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  it(
    'starts with its own service, which responds behind its own gateway',
    async () => {
      const port = await freePort();
      const variables = { PORT: String(port), REDIS_URL: redis.url };
      await using program = shop.start('npm', ['start'], variables);
      const [, url = '', token = ''] = await program.printed(/runs at (\S+)[^]*Bearer ([\w.-]+)/);

      const response = await fetch(`${url}/orders`, { headers: { Authorization: `Bearer ${token}` } });
      const elapsedMs = performance.now() - begun;

      expect(await response.json()).toEqual({ user: 'ada', method: 'GET', path: '/orders' });
      process.stdout.write(`From nothing to the first response: ${(elapsedMs / 1000).toFixed(1)} s\n`);

      const ready = await fetch(`${url}/health/ready`);
      expect(await ready.json()).toMatchObject({ status: 'ok' });

      const socket = new WebSocket(`${url}/orders/live`, { headers: { Authorization: `Bearer ${token}` } });
      await once(socket, 'open');
      socket.send('hello');
      expect(String((await once(socket, 'message'))[0])).toBe('hello');

      const closed = once(socket, 'close');
      await program.interrupt();
      expect((await closed)[0]).toBe(1012);
      expect(program.output).toContain('drain complete');
    },
    LIMIT_MS,
  );

  it(
    'passes its own tests',
    async () => {
      expect(await shop.run('npm', ['test'])).toMatch(/^. pass [1-9]/m);
    },
    LIMIT_MS,
  );

  it(
    'has a deployment without a finding',
    async () => {
      expect(await shop.run('npm', ['run', 'doctor'])).toContain('rules hold');
    },
    LIMIT_MS,
  );

  it(
    'explains what happens to a request, and finds settings and routes valid',
    async () => {
      expect(await shop.run('npm', ['run', 'check'])).toContain('no fault');

      const args = ['run', '--silent', 'gateway', '--', 'explain', 'DELETE', '/orders/7', '--user', 'ada'];
      const explained = await shop.run('npm', args);
      expect(explained).toMatch(/outcome +passes to orders/);
      expect(explained).toMatch(/route +GET,DELETE \/orders\/:id, token required/);
      expect(explained).toContain('DeletionGate');
      expect(explained).toMatch(/adds X-User-Id: ada/);
    },
    LIMIT_MS,
  );
});
