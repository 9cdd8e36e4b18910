import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService, startRawService } from '../support/service.js';
import { acceptingAnswer, rawHandshake } from '../support/websocket.js';

/** Clients of one test, which end with it. */
class Clients implements AsyncDisposable {
  private readonly opened: RawClient[] = [];

  constructor(private readonly gateway: RunningGateway) {}

  /** Connects, and waits until the gateway has the connection. */
  async open(): Promise<RawClient> {
    const connected = once(this.gateway.app.getHttpServer(), 'connection');
    const client = await RawClient.connect(this.gateway.port);
    this.opened.push(client);
    await connected;
    return client;
  }

  /** The same, with a request that was answered. */
  async openServed(): Promise<RawClient> {
    const client = await this.open();
    client.write('GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(/\r\n\r\n./);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.opened) await client[Symbol.asyncDispose]();
  }
}

const isOpen = ({ socket }: RawClient): boolean => !socket.destroyed && !socket.readableEnded;

async function closedFor(gateway: RunningGateway, bound: string): Promise<number> {
  const line = new RegExp(
    `^gateway_idle_client_connections_closed_total\\{.*bound="${bound}".*\\} (\\d+)$`,
    'm',
  );
  return Number(line.exec(await metricsOf(gateway))![1]);
}

const BOUNDS = [
  ['total', { MAX_IDLE_CLIENT_CONNECTIONS: '4' }],
  ['network', { MAX_IDLE_CLIENT_CONNECTIONS_PER_NETWORK: '4' }],
] as const;

describe.each(BOUNDS)('the bound on idle client connections (%s)', (bound, env) => {
  it.concurrent('closes those that have been idle longest, without a reset, and counts them', async () => {
    await using gateway = await startGateway({ env });
    await using clients = new Clients(gateway);
    const [unused, served] = [await clients.open(), await clients.openServed()];
    const [renewed] = [await clients.openServed(), await clients.open()];
    renewed.write('GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n');
    await renewed.until(/\r\n\r\n.*\r\n\r\n./s);
    const younger = [await clients.open(), await clients.openServed()];

    const ends = await Promise.all([unused.ended(), served.ended()]);

    expect(ends.map(({ reset }) => reset)).toEqual([false, false]);
    expect([renewed, ...younger].map(isOpen)).toEqual([true, true, true]);
    expect(await closedFor(gateway, bound)).toBe(2);
    expect(await closedFor(gateway, bound === 'total' ? 'network' : 'total')).toBe(0);
  });

  it.concurrent('closes none that has a request on its way, or a WebSocket', async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<ServerResponse>();
    await using service = await startService((_request, response) => ask(response));
    await using chat = await startRawService((socket) => {
      socket.once('data', (head: Buffer) => socket.write(acceptingAnswer(head.toString('latin1'))));
    });
    await using gateway = await startGateway({
      env: { ...env, AUTH_SERVICE_URL: service.url, CHAT_SERVICE_URL: chat.url },
    });
    await using clients = new Clients(gateway);
    const [busy, relayed] = [await clients.open(), await clients.open()];
    busy.write(rawRequest('GET /v1/auth/profile'));
    relayed.write(rawHandshake());
    const response = await asked;
    await relayed.until(/101 Switching/);
    const idle = [];
    for (let count = 0; count < 6; count++) idle.push(await clients.open());

    await Promise.all([idle[0]!.ended(), idle[1]!.ended()]);

    expect([busy, relayed, ...idle.slice(2)].map(isOpen)).toEqual(Array<boolean>(6).fill(true));
    response.end('served');
    await busy.until(/served/);
  });

  it.concurrent('closes those that bring the rest of a refused body', async () => {
    await using gateway = await startGateway({ env });
    await using clients = new Clients(gateway);
    const refused: RawClient[] = [];
    for (let count = 0; count < 6; count++) {
      const client = await clients.open();
      client.write(rawRequest('POST /nothing', { headers: { 'Content-Length': 60_000_000 }, body: 'a' }));
      await client.until(/404 Not Found/);
      refused.push(client);
    }

    // Faster than the minimum rate, and never idle for the time after which bodies are given up.
    const upload = setInterval(() => {
      for (const client of refused) if (isOpen(client)) client.write('a'.repeat(1_000));
    }, 100);
    await Promise.all([refused[0]!.ended(), refused[1]!.ended()]);
    clearInterval(upload);

    expect(refused.slice(2).map(isOpen)).toEqual(Array<boolean>(4).fill(true));
    expect(await closedFor(gateway, bound)).toBe(2);
  });

  it.concurrent('closes those that have brought the rest of a refused body', async () => {
    await using gateway = await startGateway({ env });
    await using clients = new Clients(gateway);
    const refused = await clients.open();
    refused.write(rawRequest('POST /nothing', { headers: { 'Content-Length': 2 }, body: 'a' }));
    await refused.until(/404 Not Found/);
    refused.write('b');
    const idle = [];
    for (let count = 0; count < 4; count++) idle.push(await clients.openServed());

    await refused.ended();

    expect(idle.map(isOpen)).toEqual(Array<boolean>(4).fill(true));
  });

  it.concurrent('leaves a connection on which a next request has begun to come', async () => {
    await using gateway = await startGateway({ env });
    await using clients = new Clients(gateway);
    const writing = await clients.openServed();
    writing.write('GET /health/live HTTP/1.1\r\nHost: a\r\n');
    const idle = [];
    for (let count = 0; count < 5; count++) idle.push(await clients.openServed());

    await Promise.all([idle[0]!.ended(), idle[1]!.ended()]);
    writing.write('\r\n');

    await writing.until(/\r\n\r\n.*\r\n\r\n./s);
  });
});

describe('the bound on idle client connections of a network', () => {
  const env = { MAX_IDLE_CLIENT_CONNECTIONS_PER_NETWORK: '2' };

  it.concurrent('holds for each alone', async () => {
    await using gateway = await startGateway({ env });
    await using clients = new Clients(gateway);
    const other = connect({ port: gateway.port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    await once(other, 'connect');
    const idle = [];
    for (let count = 0; count < 4; count++) idle.push(await clients.open());

    await Promise.all([idle[0]!.ended(), idle[1]!.ended()]);

    expect([other.destroyed, other.readableEnded]).toEqual([false, false]);
    other.destroy();
  });

  it.concurrent('does not hold for trusted proxies, which the total does', async () => {
    await using gateway = await startGateway({
      env: { ...env, TRUST_PROXY: '127.0.0.1', MAX_IDLE_CLIENT_CONNECTIONS: '8' },
    });
    await using clients = new Clients(gateway);
    const idle = [];
    for (let count = 0; count < 10; count++) idle.push(await clients.openServed());

    await Promise.all([idle[0]!.ended(), idle[1]!.ended()]);

    expect(idle.slice(2).map(isOpen)).toEqual(Array<boolean>(8).fill(true));
    expect(await closedFor(gateway, 'network')).toBe(0);
  });

  it.concurrent('counts none that is gone', async () => {
    await using gateway = await startGateway({ env: { ...env, MAX_IDLE_CLIENT_CONNECTIONS: '3' } });
    const sockets: Socket[] = [];
    for (let host = 2; host < 22; host++) {
      const connected = once(gateway.app.getHttpServer(), 'connection');
      const socket = connect({ port: gateway.port, host: '127.0.0.1', localAddress: `127.0.0.${host}` });
      sockets.push(socket);
      const [atGateway] = (await connected) as [Socket];
      const closed = once(atGateway, 'close');
      socket.end('GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      socket.resume();
      await closed;
    }

    // The one that asks.
    expect(await metricsOf(gateway)).toMatch(/^gateway_idle_client_connections\{.*\} 0$/m);
    for (const socket of sockets) socket.destroy();
  });
});

describe('the rest of a refused body that comes slower than the minimum rate', () => {
  it.concurrent('closes its connection', async () => {
    await using gateway = await startGateway({
      env: { REQUEST_BODY_GRACE_MS: '300', MIN_REQUEST_BODY_RATE_BYTES: '1000' },
    });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('POST /nothing', { headers: { 'Content-Length': 60_000_000 }, body: 'a' }));
    await client.until(/404 Not Found/);

    const trickle = setInterval(() => client.write('a'), 50);
    await client.ended();
    clearInterval(trickle);

    expect(client.socket.destroyed).toBe(true);
  });
});
