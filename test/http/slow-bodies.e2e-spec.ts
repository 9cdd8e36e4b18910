import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { UpstreamRegistry } from '@app/proxy/internal';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { describeUnderLoad } from '../support/requirements.js';
import { bodyOf, startService, type PlayedService } from '../support/service.js';

const CONNECTIONS = 16;
const CLIENTS = 20;

const ENV = { UPSTREAM_MAX_CONNECTIONS: String(CONNECTIONS), TRUST_PROXY: 'none' };

/** The service answers each request with the number of bytes that its body had. */
async function startCounting(): Promise<PlayedService> {
  return startService((request, response) => {
    bodyOf(request).then(
      (body) => response.end(String(body.length)),
      () => response.destroy(),
    );
  });
}

/** Clients that send a byte of a body now and then, and what each has got so far. */
class SlowClients implements AsyncDisposable {
  readonly received: string[] = [];
  private readonly sockets: Socket[] = [];
  private readonly timers: NodeJS.Timeout[] = [];

  /** @param from the address of each */
  static async start(
    port: number,
    head: string,
    chunk: string,
    from: (index: number) => string,
  ): Promise<SlowClients> {
    const clients = new SlowClients();
    for (let index = 0; index < CLIENTS; index++) {
      const socket = connect({ port, host: '127.0.0.1', localAddress: from(index) });
      await once(socket, 'connect');
      clients.follow(socket, index);
      socket.write(head);
      clients.timers.push(setInterval(() => socket.write(chunk), 20));
    }
    return clients;
  }

  private follow(socket: Socket, index: number): void {
    this.received[index] = '';
    socket
      .on('data', (bytes: Buffer) => (this.received[index] += bytes.toString('latin1')))
      .on('error', () => {});
    this.sockets.push(socket);
  }

  /** How many have a response with this status. */
  count(status: number): number {
    return this.received.filter((text) => text.startsWith(`HTTP/1.1 ${status} `)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    for (const socket of this.sockets) {
      socket.destroy();
      if (!socket.closed) await once(socket, 'close');
    }
  }
}

/** How many requests with a slow or large body the upstream has. */
async function inProgress(gateway: RunningGateway): Promise<number> {
  const metrics = await metricsOf(gateway);
  return Number(/^upstream_streamed_bodies\{upstream="auth-service".*\} (\d+)$/m.exec(metrics)![1]);
}

/** How many more of them wait. */
function queued({ app }: RunningGateway): number {
  const { upstreams } = app.get(UpstreamRegistry);
  const { streamedBodyLimit } = [...upstreams].find(({ name }) => name === 'auth-service')!;
  return (streamedBodyLimit as unknown as { queue: Set<unknown> }).queue.size;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}

describeUnderLoad('clients that send their bodies slowly', () => {
  const upload = (headers: Record<string, string | number>): string =>
    rawRequest('POST /v1/keys/upload', { headers });
  const BODIES: readonly [string, string, string][] = [
    ['of 64 KiB', upload({ 'Content-Length': 65_536 }), 'xxxxxxxxxx'],
    ['of 1 MB', upload({ 'Content-Length': 1_000_000 }), 'xxxxxxxxxx'],
    ['in chunks', upload({ 'Transfer-Encoding': 'chunked' }), 'a\r\nxxxxxxxxxx\r\n'],
  ];

  it.each(BODIES)('hold a quarter of the connections from one address: %s', async (_what, head, chunk) => {
    await using service = await startCounting();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...ENV } });
    await using slow = await SlowClients.start(gateway.port, head, chunk, () => '127.0.0.2');

    await until(() => slow.count(429) === CLIENTS - CONNECTIONS / 4);

    expect(await inProgress(gateway)).toBe(CONNECTIONS / 4);
    expect(slow.received.find((text) => text !== '')).toMatch(
      /Retry-After: 1\r\n.*"error":"Too many uploads in progress"/s,
    );
    expect(await gateway.logged({ status: 429 })).toMatchObject({ error_code: 'TOO_MANY_UPLOADS' });
  });

  it.each(BODIES)(
    'hold half of them from many: %s',
    async (_what, head, chunk) => {
      await using service = await startCounting();
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...ENV } });
      await using slow = await SlowClients.start(
        gateway.port,
        head,
        chunk,
        (index) => `127.0.1.${index + 1}`,
      );
      await until(async () => (await inProgress(gateway)) === CONNECTIONS / 2);

      // Whoever sends no body, or sends it at once, is served as ever.
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const body = index % 2 === 0 ? null : 'y'.repeat(60_000);
          const [method, path] = body ? ['POST', '/v1/auth/refresh'] : ['GET', '/v1/auth/profile'];
          const response = await fetch(`${gateway.url}${path}`, { method, headers: bearer(), body });
          return [response.status, await response.text()];
        }),
      );

      expect(new Set(answers.map(String))).toEqual(new Set(['200,0', '200,60000']));
      expect(await inProgress(gateway)).toBe(CONNECTIONS / 2);
      // Those that wait for their turn are told so in the end, and no service was asked.
      await until(() => slow.count(503) === CLIENTS - CONNECTIONS / 2);
      expect(await gateway.logged({ status: 503 })).toMatchObject({ error_code: 'UPSTREAM_BODIES_BUSY' });
    },
    60_000,
  );

  it('give their place to the next when they leave', async () => {
    await using service = await startCounting();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...ENV } });
    const [, head, chunk] = BODIES[1]!;
    await using slow = await SlowClients.start(gateway.port, head, chunk, (index) => `127.0.1.${index + 1}`);
    await until(async () => (await inProgress(gateway)) === CONNECTIONS / 2);

    const waiting = fetch(`${gateway.url}/v1/keys/upload`, {
      method: 'POST',
      headers: bearer(),
      body: 'z'.repeat(100_000),
    });
    await slow[Symbol.asyncDispose]();

    expect(await (await waiting).text()).toBe('100000');
    await until(async () => (await inProgress(gateway)) === 0);
  });
});

describe('a small body', () => {
  it('that comes whole while it waits for its turn is sent at once', async () => {
    await using service = await startCounting();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...ENV } });
    const head = rawRequest('POST /v1/keys/upload', { headers: { 'Content-Length': 1_000_000 } });
    await using _slow = await SlowClients.start(gateway.port, head, 'x', (index) => `127.0.1.${index + 1}`);
    await until(() => queued(gateway) === CLIENTS - CONNECTIONS / 2);
    await using client = await RawClient.connect(gateway.port);

    client.write(`${rawRequest('POST /v1/auth/login', { headers: { 'Content-Length': 4 } })}ab`);
    await until(() => queued(gateway) === CLIENTS - CONNECTIONS / 2 + 1);
    client.write('cd');

    expect(await client.until(/\r\n\r\n.+$/s)).toMatch(/^HTTP\/1\.1 200 .*4$/s);
  });

  it('takes no connection before it is whole', async () => {
    await using service = await startCounting();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const socket = connect({ port: gateway.port, host: '127.0.0.1' });
    await once(socket, 'connect');
    socket.write(`${rawRequest('POST /v1/auth/login', { headers: { 'Content-Length': 4 } })}ab`);
    // Another request goes all the way meanwhile.
    await fetch(`${gateway.url}/health`);
    const accepted = service.accepted();
    socket.write('cd');

    const [answer] = (await once(socket, 'data')) as [Buffer];

    expect(accepted).toBe(0);
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 .*4$/s);
    socket.destroy();
  });

  it('goes on to another instance if the first cannot be reached', async () => {
    await using service = await startCounting();
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: `http://127.0.0.1:9,${service.url}` },
    });

    for (let round = 0; round < 10; round++) {
      const response = await fetch(`${gateway.url}/v1/auth/login`, { method: 'POST', body: '{"a":1}' });
      expect([response.status, await response.text()]).toEqual([200, '7']);
    }
  });
});

describe('a body in chunks of one byte', () => {
  const BYTES = 50_000;

  it('goes to the service in large parts, whole and in order', async () => {
    let parts = 0;
    await using service = await startService((request, response) => {
      request.on('data', () => parts++);
      bodyOf(request).then(
        (body) => response.end(body),
        () => response.destroy(),
      );
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    const digits = Array.from({ length: BYTES }, (_, index) => String(index % 10));
    client.write(
      `${rawRequest('POST /v1/keys/upload', { headers: { 'Transfer-Encoding': 'chunked' } })}1\r\n0\r\n`,
    );
    // Not a small body that is there at once: it is streamed.
    await until(async () => (await inProgress(gateway)) === 1);

    client.write(
      `${digits
        .slice(1)
        .map((digit) => `1\r\n${digit}\r\n`)
        .join('')}0\r\n\r\n`,
    );

    const text = await client.until(new RegExp(`\\d{${BYTES}}`));
    expect(text.endsWith(digits.join(''))).toBe(true);
    expect(parts).toBeLessThan(BYTES / 50);
  });
});
