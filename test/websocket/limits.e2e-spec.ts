import type { WebSocketPolicy } from '@app/proxy';
import { bearer, startGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';
import { moduleOf, OTHER } from '../support/websocket-module.js';
import { CHAT, echo, openSocket, startSocketService } from '../support/websocket.js';

describe('the number of sockets', () => {
  it.each([
    ['of one user', { WEBSOCKET_MAX_CONNECTIONS_PER_USER: '2' }, true],
    ['of all users', { WEBSOCKET_MAX_CONNECTIONS: '2' }, false],
  ])('%s is bounded: 429, until one closes', async (_name, env: Record<string, string>, isOneUser) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, ...env } });
    const mine = bearer();
    const open = () => openSocket(gateway, CHAT, { headers: isOneUser ? mine : bearer() });
    await using one = await open();
    await using _two = await open();

    await expect(open()).rejects.toThrow('refused with 429');
    expect(await gateway.logged({ status: 429 })).toMatchObject({ error_code: 'TOO_MANY_CONNECTIONS' });
    if (isOneUser) await (await openSocket(gateway, CHAT, { headers: bearer() }))[Symbol.asyncDispose]();

    one.socket.close();
    await gateway.logged({ message: 'websocket closed', code: 1005 });
    await using _three = await open();
  });

  it.each([
    ['of one IPv6 network', '2001:db8:1:2::2', true],
    ['of another IPv6 network', '2001:db8:1:3::1', false],
  ])('is bounded for strangers by network: %s', async (_name, address, isRefused) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      modules: [moduleOf({ connectionsPerUser: 1 }, 'none')],
      env: { OTHER_SERVICE_URL: service.url, TRUST_PROXY: '127.0.0.1' },
    });
    const open = (from: string) => openSocket(gateway, OTHER, { headers: { 'X-Forwarded-For': from } });
    await using _one = await open('2001:db8:1:2::1');

    const [second] = await Promise.allSettled([open(address)]);

    if (second.status === 'fulfilled') await second.value[Symbol.asyncDispose]();
    else expect(String(second.reason)).toContain('429');
    expect(second.status).toBe(isRefused ? 'rejected' : 'fulfilled');
  });

  it('counts those whose handshake is on its way, and gives back those that failed', async () => {
    await using service = await startService((_request, response) => void response.writeHead(500).end());
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_CONNECTIONS_PER_USER: '1' },
    });
    const headers = bearer();

    for (let each = 0; each < 3; each++) {
      await expect(openSocket(gateway, CHAT, { headers })).rejects.toThrow('refused with 500');
    }
    const both = await Promise.allSettled([1, 2].map(() => openSocket(gateway, CHAT, { headers })));

    expect(both.map((result) => String((result as PromiseRejectedResult).reason)).toSorted()).toEqual([
      expect.stringContaining('429'),
      expect.stringContaining('500'),
    ]);
  });
});

describe('the policy of a row', () => {
  it('comes before what the environment says', async () => {
    const policy: WebSocketPolicy = {
      messageLimitBytes: 10,
      messagesPerSecond: 5,
      pastMessagesPerSecond: 'close',
      connectionsPerUser: 1,
      connections: 2,
    };
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      modules: [moduleOf(policy)],
      env: { OTHER_SERVICE_URL: service.url, CHAT_SERVICE_URL: service.url },
    });
    const headers = bearer();
    const open = (as = bearer()) => openSocket(gateway, OTHER, { headers: as });
    await using large = await open(headers);
    await using fast = await open();

    await expect(open(headers)).rejects.toThrow('refused with 429');
    await expect(open()).rejects.toThrow('refused with 429');
    large.send('ten bytes.');
    await large.received(1);
    large.send('eleven byte');
    for (let each = 0; each < 20; each++) fast.send('x');

    expect(await large.closed).toMatchObject({ code: 1009 });
    expect(await fast.closed).toMatchObject({ code: 1008 });
    await using chat = await openSocket(gateway, CHAT, { headers });
    chat.send('x'.repeat(1_000));
    await chat.received(1);
  });
});
