import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { bearer } from './support/gateway.js';
import { describeWithNginx, Nginx } from './support/nginx.js';
import { GatewayProcess } from './support/process.js';
import { RedisServer } from './support/redis.js';
import { freePort } from './support/service.js';
import { startServicePairs, takesBoth } from './support/service-pairs.js';
import { loadSystem, SERVICE_NAMES } from './support/system-load.js';
import { ServiceProcess } from './support/system.js';

/** Sockets that are opened anew whenever they are closed, until they are told to end. */
function keepOpen(port: number, count: number) {
  const codes = new Set<number | string>();
  const sockets = new Set<WebSocket>();
  const over = new AbortController();
  let opened = 0;
  const keep = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const path = `/v1/ws/chat?conversation_id=${randomUUID()}`;
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: bearer() });
      sockets.add(socket);
      socket.on('open', () => (over.signal.aborted ? socket.close(1000) : opened++));
      socket.on('error', (error) => codes.add(error.message));
      const code = await new Promise<number>((resolve) => void socket.on('close', resolve));
      sockets.delete(socket);
      if (!over.signal.aborted) codes.add(code);
    }
  };
  const kept = Array.from({ length: count }, () => keep());
  return {
    opened: () => opened,
    /** How they were closed, or what went wrong. */
    async end(): Promise<(number | string)[]> {
      over.abort();
      for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) socket.close(1000);
      await Promise.all(kept);
      return [...codes];
    },
  };
}

describeWithNginx('under load through nginx, with two gateways and two of each service,', () => {
  it('every part is restarted, and no request fails, and sockets see 1012 alone', async () => {
    await using redis = await RedisServer.start();
    await using services = await startServicePairs({ REDIS_URL: redis.url });
    const ports = [await freePort(), await freePort()] as const;
    const start = (port: number): GatewayProcess =>
      GatewayProcess.start({
        ...services.addresses,
        PORT: String(port),
        REDIS_URL: redis.url,
        TRUST_PROXY: '127.0.0.1',
        RATELIMIT_DEFAULT: '1000000',
        RATELIMIT_MESSAGES: '1000000',
        RATELIMIT_CONVERSATIONS: '1000000',
        RATELIMIT_CALLS_INITIATE: '1000000',
        HEALTH_CHECK_INTERVAL_MS: '300',
        DRAIN_TIMEOUT_MS: '3000',
      });
    await using stack = new AsyncDisposableStack();
    const gateways = ports.map(start);
    stack.defer(async () => {
      for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
    });
    await Promise.all(gateways.map((gateway) => gateway.port()));
    await using nginx = await Nginx.start(ports);
    const running = loadSystem(nginx.port);
    const sockets = keepOpen(nginx.port, 10);
    while (sockets.opened() < 10) await running.more('auth', 10);
    const settle = async (): Promise<void> => {
      for (const name of SERVICE_NAMES) await running.more(name, 30);
    };

    for (const [index, port] of ports.entries()) {
      await settle();
      gateways[index]!.signal('SIGTERM');
      expect(await gateways[index]!.exited).toBe(0);
      await settle();
      gateways[index] = start(port);
      await gateways[index].port();
    }
    for (const instance of services.instances.filter(({ name }) => name === 'chat')) {
      await settle();
      await instance.running.kill('SIGTERM');
      await settle();
      instance.running = await ServiceProcess.start(instance.env);
      for (const port of ports) await takesBoth(port, instance.name);
    }
    await nginx.reload();
    await settle();
    await redis.kill('SIGTERM');
    await settle();
    await redis.restart();
    await settle();

    const answers = await running.end();
    const ends = await sockets.end();
    expect(Object.keys(answers).toSorted()).toEqual(['auth 200', 'chat 201', 'storage 200', 'video 201']);
    expect(await running.notKeptOnce()).toEqual([]);
    expect(ends).toEqual([1012]);
  }, 180_000);
});
