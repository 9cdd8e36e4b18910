import { GatewayProcess } from '../support/process.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithBuild } from '../support/requirements.js';
import {
  echo,
  openRawSocket,
  openSocket,
  rawHandshake,
  startSocketService,
  type SocketEnd,
} from '../support/websocket.js';

/** 1012 and its reason as a frame: final, close, unmasked, 17 bytes. */
const CLOSE_FRAME = '\x88\x11\x03\xf4service restart';

describeWithBuild('SIGTERM with open WebSockets', () => {
  it('asks each client to come back, refuses new ones, and exits with 0', async () => {
    await using service = await startSocketService(echo);
    await using gateway = GatewayProcess.start({ CHAT_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: '2000' });
    const port = await gateway.port();
    await using keptAlive = await RawClient.connect(port);
    keptAlive.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
    await keptAlive.until(/healthy/);
    const clients = await Promise.all(Array.from({ length: 10 }, () => openSocket({ port })));
    clients[0]!.send('still here');
    // Its socket may be the first that the drain closes, and the message of the service on its way.
    await clients[0]!.received(1);

    gateway.signal('SIGTERM');
    await gateway.logged('drain: listener closed');
    keptAlive.write(rawHandshake());
    const refusal = await keptAlive.ended();
    const closes = await Promise.all(clients.map((client) => client.closed));

    expect(refusal.statuses).toEqual([200, 503]);
    expect(refusal.json).toMatchObject({ error: 'Gateway is restarting' });
    expect(new Set(closes.map(({ code, reason }) => `${code} ${reason}`))).toEqual(
      new Set(['1012 service restart']),
    );
    expect(clients[0]!.messages).toEqual(['still here']);
    for (const end of service.connections) expect(await end.closed).toMatchObject({ code: 1001 });
    expect(await gateway.exited).toBe(0);
    expect(gateway.lines.find(({ message }) => message === 'drain: listener closed')).toMatchObject({
      websockets: 10,
    });
    expect(gateway.lines.filter(({ code }) => code === 1012)).toHaveLength(10);
  });

  it('is not held up by a client that does not answer, which is destroyed at the deadline', async () => {
    await using service = await startSocketService();
    await using gateway = GatewayProcess.start({ CHAT_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: '500' });
    // It knows no frames, and so answers none.
    await using client = await openRawSocket({ port: await gateway.port() }, service);

    gateway.signal('SIGTERM');
    const { text, statuses } = await client.ended();

    expect(statuses).toEqual([101]);
    expect(text.endsWith(`\r\n\r\n${CLOSE_FRAME}`)).toBe(true);
    expect(await client.peer.closed).toMatchObject({ code: 1001 });
    expect(await gateway.logged('drain deadline: destroying what is left')).toMatchObject({
      websockets: 1,
      connections: 1,
    });
    expect(await gateway.exited).toBe(0);
  });

  it('is not held up by a service that does not answer', async () => {
    await using service = await startSocketService(({ socket }) => socket.pause());
    // The test's own limit is a fraction of the drain's.
    await using gateway = GatewayProcess.start({ CHAT_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: '60000' });
    await using client = await openSocket({ port: await gateway.port() });

    gateway.signal('SIGTERM');

    expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
    expect(await gateway.exited).toBe(0);
    expect(await gateway.logged('drain complete')).toMatchObject({ websockets: 0, connections: 0 });
  });

  it('ends as soon as nobody is left, whatever time it has', async () => {
    await using service = await startSocketService(echo);
    await using gateway = GatewayProcess.start({ CHAT_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: '60000' });
    const port = await gateway.port();
    const clients = await Promise.all([openSocket({ port }), openSocket({ port })]);

    gateway.signal('SIGTERM');
    await gateway.logged('drain: listener closed');
    for (const client of clients) client.socket.close();

    // The test's own limit is a fraction of the drain's.
    expect(await gateway.exited).toBe(0);
  });

  it('waits for no service that is away', async () => {
    await using service = await startSocketService();
    await using gateway = GatewayProcess.start({ CHAT_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: '2000' });
    await using client = await openSocket({ port: await gateway.port() });
    const end = await service.connection(0);
    await service[Symbol.asyncDispose]();
    await end.closed;

    gateway.signal('SIGTERM');

    expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
    expect(await gateway.exited).toBe(0);
  });

  it.each([
    ['has begun', false],
    ['has closed the connections that are quiet', true],
  ])(
    'leaves nobody without an answer whose service answers once it %s',
    async (_when, isLate) => {
      const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
      const { promise: allowed, resolve: allow } = Promise.withResolvers<void>();
      await using service = await startSocketService(() => {}, {
        verifyClient: async (_info, done) => {
          ask();
          await allowed;
          done(true);
        },
      });
      await using gateway = GatewayProcess.start({
        CHAT_SERVICE_URL: service.url,
        DRAIN_TIMEOUT_MS: '20000',
      });
      const port = await gateway.port();
      const outcome = outcomeOf(openSocket({ port }));
      await asked;
      await using quiet = await RawClient.connect(port);
      quiet.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
      await quiet.until(/healthy/);

      gateway.signal('SIGTERM');
      await gateway.logged('drain: listener closed');
      if (isLate) await quiet.ended();
      allow();

      expect(await outcome).toMatch(/^1012 service restart$|refused with 503/);
      expect(await gateway.exited).toBe(0);
    },
    15_000,
  );
});

/** How a socket ended, or why it did not open. */
async function outcomeOf(opening: Promise<SocketEnd>): Promise<string> {
  try {
    const { code, reason } = await (await opening).closed;
    return `${code} ${reason}`;
  } catch (error) {
    return (error as Error).message;
  }
}
