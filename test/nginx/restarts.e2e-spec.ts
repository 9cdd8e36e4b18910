import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptMessages } from '../support/kept-messages.js';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { GatewayProcess } from '../support/process.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { freePort } from '../support/free-port.mjs';
import { takesBoth } from '../support/service-pairs.js';
import { SteadyLoad } from '../support/steady-load.js';
import { ServiceProcess } from '../support/system.js';

/** nginx, two gateways, two processes of the chat service over one folder, the auth service, and Redis, each a process. */
async function startSystem() {
  const stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'gateway-restarts-'));
  stack.defer(() => rm(dataDir, { recursive: true }));
  const redis = stack.use(await RedisServer.start());

  const authPort = String(await freePort());
  const AUTH_SERVICE_URL = `http://127.0.0.1:${authPort}`;
  const auth = await ServiceProcess.start({ SERVICE: 'auth', PORT: authPort, DATA_DIR: dataDir });
  stack.defer(() => auth.kill('SIGKILL'));

  const services: { running: ServiceProcess; start: () => Promise<ServiceProcess>; url: string }[] = [];
  for (const port of [await freePort(), await freePort()]) {
    const start = () =>
      ServiceProcess.start({ SERVICE: 'chat', PORT: String(port), DATA_DIR: dataDir, AUTH_SERVICE_URL });
    const service = { running: await start(), start, url: `http://127.0.0.1:${port}` };
    stack.defer(() => service.running.kill('SIGKILL'));
    services.push(service);
  }

  const gateways: { running: GatewayProcess; start: () => GatewayProcess; port: number }[] = [];
  for (const port of [await freePort(), await freePort()]) {
    const start = () =>
      GatewayProcess.start({
        PORT: String(port),
        AUTH_SERVICE_URL,
        CHAT_SERVICE_URL: services.map(({ url }) => url).join(),
        REDIS_URL: redis.url,
        RATELIMIT_MESSAGES: '1000000',
        RATELIMIT_DEFAULT: '1000000',
        TRUST_PROXY: '127.0.0.1',
        HEALTH_CHECK_INTERVAL_MS: '300',
        SHUTDOWN_DELAY_MS: '500',
        DRAIN_TIMEOUT_MS: '5000',
      });
    const gateway = { running: start(), start, port };
    stack.defer(() => gateway.running[Symbol.asyncDispose]());
    await gateway.running.port();
    gateways.push(gateway);
  }

  const [first, second] = gateways as [(typeof gateways)[0], (typeof gateways)[0]];
  const nginx = stack.use(await Nginx.start([first.port, second.port]));
  return { nginx, gateways, services, redis, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

type System = Awaited<ReturnType<typeof startSystem>>;

async function restartGateways({ gateways }: System, load: SteadyLoad): Promise<void> {
  for (const gateway of gateways) {
    await load.more(100);
    gateway.running.signal('SIGTERM');
    expect(await gateway.running.exited).toBe(0);
    await load.more(100);
    gateway.running = gateway.start();
    // Until nginx asks it again.
    await gateway.running.logged('request');
  }
}

async function restartServices({ services, gateways }: System, load: SteadyLoad): Promise<void> {
  for (const service of services) {
    await load.more(50);
    await service.running.kill('SIGTERM');
    await load.more(50);
    service.running = await service.start();
    for (const { port } of gateways) await takesBoth(port, 'chat');
  }
}

async function reloadNginx({ nginx }: System, load: SteadyLoad): Promise<void> {
  const closed = load.closeCodes.length;
  for (let times = 0; times < 3; times++) {
    await load.more(50);
    await nginx.reload();
    await load.more(50);
    await load.talk();
  }
  expect(load.closeCodes).toHaveLength(closed);
}

async function restartRedis({ redis, gateways }: System, load: SteadyLoad): Promise<void> {
  await load.more(50);
  await redis.kill();
  for (const { running } of gateways) {
    await running.logged('redis degraded: limits and revocation go on from memory');
  }
  await load.more(50);
  await redis.restart();
  for (const { running } of gateways) await running.logged('redis is back');
}

describeWithNginx('behind nginx', () => {
  describeWithRedis('clients', () => {
    it.each([
      ['each gateway restarts', restartGateways, true],
      ['each process of a service restarts', restartServices, false],
      ['nginx reads its configuration anew', reloadNginx, false],
      ['Redis restarts', restartRedis, false],
    ] as const)(
      'lose no request, no message and no WebSocket without 1012 while %s',
      async (_name, restart, closesSockets) => {
        await using system = await startSystem();
        const { port } = system.nginx;
        await using load = await SteadyLoad.start(port);

        await restart(system, load);
        await load.more(100);
        await load.talk();
        await load[Symbol.asyncDispose]();

        expect(Object.keys(load.answers).toSorted()).toEqual(['GET 200', 'POST 201']);
        expect(load.refusals).toEqual([]);
        expect(new Set(load.closeCodes)).toEqual(new Set(closesSockets ? [1012] : []));
        // Only a reload may end a connection that a client is about to use.
        if (restart !== reloadNginx) expect(load.resent).toBe(0);
        const kept = await keptMessages(port, load.conversation);
        expect(load.written.filter((content) => kept.get(content) !== 1)).toEqual([]);
      },
      120_000,
    );
  });
});
