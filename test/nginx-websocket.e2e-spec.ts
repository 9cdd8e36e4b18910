import { startBehindNginx } from './support/behind-nginx.js';
import { bearer } from './support/gateway.js';
import { describeWithNginx } from './support/nginx.js';
import { CHAT, echo, openSocket, SIGNALING, startSocketService } from './support/websocket.js';

describeWithNginx('a WebSocket through nginx', () => {
  it.each([
    ['chat', CHAT],
    ['signaling', SIGNALING],
    ['signaling by its other name', '/v1/ws/signaling?call_id=7'],
  ])('carries %s both ways, and its close', async (_name, path) => {
    await using service = await startSocketService(echo);
    await using system = await startBehindNginx({
      CHAT_SERVICE_URL: service.url,
      VIDEO_SERVICE_URL: service.url,
    });
    await using client = await openSocket(system, path);

    client.send('hello');
    client.send(Buffer.alloc(100_000, 1));
    expect(await client.received(2)).toEqual(['hello', Buffer.alloc(100_000, 1)]);
    client.socket.close(4001, 'over');
    expect(await (await service.connection(0)).closed).toEqual({ code: 4001, reason: 'over' });
  });

  it('is told 1012 where its gateway goes, and the other takes it', async () => {
    await using service = await startSocketService(echo);
    const env = { CHAT_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: '2000' };
    await using system = await startBehindNginx(env);
    const sockets = [await openSocket(system), await openSocket(system)];
    // Round and round: each gateway has one.
    await using first = sockets[0]!;
    await using second = sockets[1]!;

    const closing = system.first.app.close();
    const { code } = await Promise.race([first.closed, second.closed]);
    expect(code).toBe(1012);
    for (let each = 0; each < 4; each++) {
      await using again = await openSocket(system);
      again.send('hello');
      expect(await again.received(1)).toEqual(['hello']);
    }
    await closing;
    expect([first, second].filter(({ socket }) => socket.readyState === 1)).toHaveLength(1);
  });

  it('is not opened where no route has one', async () => {
    await using service = await startSocketService(echo);
    await using system = await startBehindNginx({
      CHAT_SERVICE_URL: service.url,
      AUTH_SERVICE_URL: service.url,
    });

    await expect(openSocket(system, '/v1/auth/profile')).rejects.toThrow();
    const plain = await fetch(system.url + CHAT, { headers: bearer() });
    expect(plain.status).toBe(426);
    expect(service.connections).toEqual([]);
  });

  it('survives that nginx reads its configuration anew', async () => {
    await using service = await startSocketService(echo);
    await using system = await startBehindNginx({ CHAT_SERVICE_URL: service.url });
    await using client = await openSocket(system);

    await system.nginx.reload();

    client.send('hello');
    expect(await client.received(1)).toEqual(['hello']);
  });
});
