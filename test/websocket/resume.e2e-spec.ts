import { bearer, startGateway } from '../support/gateway.js';
import { startRawService, startService } from '../support/service.js';
import { CHAT, echo, openSocket, startSocketService, type SocketEnd } from '../support/websocket.js';

/** A service that was at an address, and is not there any more. */
async function startAndLeave(leave: (end: SocketEnd) => void) {
  const service = await startSocketService(echo);
  const gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
  const client = await openSocket(gateway);
  client.send('before');
  await client.received(1);
  const end = await service.connection(0);
  leave(end);
  await end.closed;
  await service[Symbol.asyncDispose]();
  const stack = new AsyncDisposableStack();
  stack.use(gateway);
  stack.use(client);
  return { client, gateway, port: service.port, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('a chat service that comes back', () => {
  it.concurrent.each<[string, (end: SocketEnd) => void]>([
    ['a reset', (end) => end.stream.resetAndDestroy()],
    ['an end without a close', (end) => end.stream.destroy()],
    ['1001', (end) => end.socket.close(1001, 'going')],
    ['1012', (end) => end.socket.close(1012, 'restart')],
  ])(
    'after %s finds its clients where they were, with what they sent meanwhile, once and in order',
    async (_name, leave) => {
      await using system = await startAndLeave(leave);
      const { client, gateway, port } = system;
      const meanwhile = ['one', Buffer.from([1, 2, 3]), '', 'four'];
      for (const message of meanwhile) client.send(message);

      await using service = await startSocketService(echo, { port });
      const end = await service.connection(0);
      await client.received(1 + meanwhile.length);
      client.send('after');

      expect(await end.received(5)).toEqual([...meanwhile, 'after']);
      expect(await client.received(6)).toEqual(['before', ...meanwhile, 'after']);
      expect(end.handshake.url).toBe(CHAT);
      client.socket.close(1000);
      expect(await client.closed).toMatchObject({ code: 1000 });
      expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({
        resumptions: 1,
        messages_in: 6,
        messages_lost: 0,
      });
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
      expect(metrics).toMatch(/websocket_resumptions_total\{.*result="resumed".*\} 1\n/);
      expect(metrics).toMatch(/websocket_buffered_bytes\{.*\} 0\n/);
    },
  );

  it.concurrent('is found at another instance, where there is one', async () => {
    await using one = await startSocketService(echo);
    await using two = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: `${one.url},${two.url}` } });
    await using client = await openSocket(gateway);
    const [first, second] = one.connections.length === 1 ? [one, two] : [two, one];
    const end = await first.connection(0);

    await first[Symbol.asyncDispose]();
    await end.closed;
    client.send('hello');

    expect(await client.received(1)).toEqual(['hello']);
    expect((await second.connection(0)).messages).toEqual(['hello']);
  });

  it.concurrent('is asked again while it answers 503', async () => {
    await using system = await startAndLeave((end) => end.socket.close(1012));
    const { client, port } = system;
    const refusing = await startService((_request, response) => void response.writeHead(503).end(), { port });
    while (refusing.accepted() < 2) await fetch(`${system.gateway.url}/health`);
    await refusing[Symbol.asyncDispose]();

    await using service = await startSocketService(echo, { port });
    await service.connection(0);
    client.send('after');

    expect((await client.received(2))[1]).toBe('after');
  });

  it.concurrent('is caught up with by a client that was paused when it broke', async () => {
    await using service = await startSocketService(({ socket }) => {
      if (service.connections.length === 1) socket.pause();
    });
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: service.url,
        WEBSOCKET_MAX_MESSAGES_PER_SECOND: '100000',
        WEBSOCKET_MAX_RESUME_BYTES: String(32 * 1024 * 1024),
      },
    });
    await using client = await openSocket(gateway);
    const end = await service.connection(0);
    let written = 0;
    let settled = 0;
    const chunk = Buffer.alloc(64 * 1024);
    // Until the kernel, the gateway and the client's own buffer are full.
    while (written - settled < 20) {
      written++;
      client.socket.send(chunk, () => settled++);
      await fetch(`${gateway.url}/health`);
    }

    end.stream.resetAndDestroy();
    client.send('after');

    const again = await service.connection(1);
    await again.until(() => again.messages.at(-1) === 'after');
    expect(again.messages.length).toBeGreaterThan(20);
    expect(again.messages.length).toBeLessThan(written);
  });

  it.concurrent('gets unacknowledged messages never again, and the log says how many they were', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_PING_INTERVAL_MS: '200' },
    });
    await using client = await openSocket(gateway);
    const end = await service.connection(0);
    for (const message of ['proven 1', 'proven 2']) client.send(message);
    await end.received(2);
    // Two pings: the second was sent after the messages for sure, and the client's ping follows the answer.
    const pings = end.pings.length;
    await end.until(() => end.pings.length >= pings + 3);
    for (const message of ['doubt 1', 'doubt 2', 'doubt 3']) client.send(message);
    await end.received(5);

    end.stream.resetAndDestroy();
    const again = await service.connection(1);
    client.send('after');
    await again.received(1);
    client.socket.close(1000);

    expect(again.messages).toEqual(['after']);
    const line = await gateway.logged({ message: 'websocket closed' });
    expect(line).toMatchObject({
      level: 'warn',
      messages_in: 6,
      messages_unacknowledged: 3,
      messages_lost: 0,
    });
  });
});

describe('a chat service that does not come back as it was', () => {
  it.concurrent.each([1000, 1008, 1011, 4000])('but closed with %d is not waited for', async (code) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);

    (await service.connection(0)).socket.close(code, 'over');

    expect(await client.closed).toEqual({ code, reason: 'over' });
    expect(service.connections).toHaveLength(1);
  });

  it.concurrent('in time costs the client its socket, with 1012, and what was lost is counted', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_RESUME_TIMEOUT_MS: '300' },
    });
    await using client = await openSocket(gateway);
    const end = await service.connection(0);
    await service[Symbol.asyncDispose]();
    await end.closed;
    for (const message of ['one', 'two']) client.send(message);

    expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });

    expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({ messages_lost: 2 });
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(/websocket_resumptions_total\{.*result="given_up".*\} 1\n/);
    expect(metrics).toMatch(/websocket_messages_lost_total\{.*\} 2\n/);
  });

  it.concurrent('costs the client its socket, with 1012, where more comes than is kept', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_RESUME_BYTES: '5000' },
    });
    await using client = await openSocket(gateway);
    const end = await service.connection(0);
    await service[Symbol.asyncDispose]();
    await end.closed;

    for (let each = 0; each < 5; each++) client.send('x'.repeat(1_000));

    expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
    expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({ messages_lost: 5 });
  });

  it.concurrent('but speaks another subprotocol costs the client its socket, with 1012', async () => {
    await using service = await startSocketService(() => {}, { handleProtocols: () => 'a' });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway, CHAT, { protocols: ['a', 'b'] });
    const end = await service.connection(0);
    await service[Symbol.asyncDispose]();
    await end.closed;

    await using other = await startSocketService(() => {}, {
      port: service.port,
      handleProtocols: () => 'b',
    });

    expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
    expect((await other.connection(0)).messages).toEqual([]);
  });

  it.concurrent('but refuses costs the client its socket, with 1012', async () => {
    await using system = await startAndLeave((end) => end.socket.close(1012));
    await using _refusing = await startService((_request, response) => void response.writeHead(403).end(), {
      port: system.port,
    });

    expect(await system.client.closed).toEqual({ code: 1012, reason: 'service restart' });
  });

  it.concurrent('but takes connections without a word is waited for no longer than any other', async () => {
    const service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_RESUME_TIMEOUT_MS: '300' },
    });
    await using client = await openSocket(gateway);
    await service.connection(0);
    await service[Symbol.asyncDispose]();
    await using silent = await startRawService(() => {}, service.port);

    expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
    // The test's own time is less than the 30 s that a service may take for an answer.
    expect(silent.accepted()).toBeGreaterThan(0);
  });

  it.concurrent(
    'but ends each connection at once is dialled ever more rarely, and then given up',
    async () => {
      await using service = await startSocketService(({ socket }) => socket.close(1001));
      await using gateway = await startGateway({
        env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_RESUME_TIMEOUT_MS: '1500' },
      });
      await using client = await openSocket(gateway);

      expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
      // 50 ms and twice as much each time, at random from the half of it on.
      expect(service.connections.length).toBeLessThan(10);
    },
  );
});

describe('while a chat service is away', () => {
  it.concurrent('a token that expires ends the socket with 4401', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, JWT_CLOCK_TOLERANCE_SECONDS: '0' },
    });
    const exp = Math.floor(Date.now() / 1000) + 2;
    await using client = await openSocket(gateway, CHAT, { headers: bearer({ exp }) });
    const end = await service.connection(0);
    await service[Symbol.asyncDispose]();
    await end.closed;

    expect(await client.closed).toEqual({ code: 4401, reason: 'token expired' });
  });

  it.concurrent('a token that is revoked ends the socket with 4403', async () => {
    await using auth = await startService((_request, response) => response.end('{}'));
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, AUTH_SERVICE_URL: auth.url },
    });
    const headers = bearer();
    await using client = await openSocket(gateway, CHAT, { headers });
    const end = await service.connection(0);
    await service[Symbol.asyncDispose]();
    await end.closed;

    await fetch(`${gateway.url}/v1/auth/logout`, { method: 'POST', headers });

    expect(await client.closed).toEqual({ code: 4403, reason: 'token revoked' });
  });

  it.concurrent('a client that leaves is not waited for, and its messages are counted as lost', async () => {
    await using system = await startAndLeave((end) => end.stream.resetAndDestroy());
    const { client, gateway, port } = system;
    client.send('lost');
    client.socket.close(1000);
    await client.closed;

    expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({
      code: 1000,
      closed_by: 'client',
      messages_lost: 1,
    });
    await using service = await startSocketService(echo, { port });
    await using _next = await openSocket(gateway);
    await service.connection(0);
    expect(service.connections).toHaveLength(1);
  });
});
