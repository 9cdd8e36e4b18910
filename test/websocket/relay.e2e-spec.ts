import { randomBytes } from 'node:crypto';
import { bearer, startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import {
  CHAT,
  echo,
  frame,
  OPCODE,
  openSocket,
  rawHandshake,
  SIGNALING,
  startSocketService,
} from '../support/websocket.js';

const MIB = 1024 * 1024;

describe('messages', () => {
  it('pass both ways whole and in order: text, binary, empty, large', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);
    const sent = [
      'text',
      'caf\u00e9 \u{1f600}',
      '',
      Buffer.alloc(0),
      randomBytes(1_000),
      randomBytes(MIB),
      'z'.repeat(MIB),
      'last',
    ];

    for (const message of sent) client.send(message);

    expect(await client.received(sent.length)).toEqual(sent);
  });

  it('pass in order where many come at once', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_MESSAGES_PER_SECOND: '100000' },
    });
    await using client = await openSocket(gateway);
    const sent = Array.from({ length: 5_000 }, (_, index) => `message ${index}`);

    for (const message of sent) client.send(message);

    expect(await client.received(sent.length)).toEqual(sent);
  });

  it('pass where the service speaks first and often', async () => {
    const said = Array.from({ length: 1_000 }, (_, index) => `event ${index}`);
    await using service = await startSocketService(({ socket }) => said.forEach((text) => socket.send(text)));
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await using client = await openSocket(gateway);

    expect(await client.received(said.length)).toEqual(said);
  });
});

describe('a close', () => {
  it('of a service that breaks off without one is 1012 for the client', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway, SIGNALING);

    (await service.connection(0)).stream.resetAndDestroy();

    expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
    expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({
      code: 1006,
      closed_by: 'service',
    });
  });

  it.each(['reset', 'end'] as const)(
    'of a client that breaks off by a %s ends the service side',
    async (end) => {
      await using service = await startSocketService();
      await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
      await using client = await openSocket(gateway);

      if (end === 'reset') client.stream.resetAndDestroy();
      else client.stream.end();

      expect(await (await service.connection(0)).closed).toEqual({ code: 1001, reason: 'client gone' });
      expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({
        code: 1006,
        closed_by: 'client',
      });
    },
  );

  it('just after the 101 is no harm, from either side', async () => {
    await using service = await startSocketService(({ stream }) => stream.resetAndDestroy());
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    for (let each = 0; each < 10; each++) {
      await using leaver = await RawClient.connect(gateway.port);
      leaver.write(rawHandshake(SIGNALING));
      leaver.socket.resetAndDestroy();
      await using client = await openSocket(gateway, SIGNALING);
      expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
    }

    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    expect(gateway.logs.filter(({ message }) => message === 'unexpected error')).toEqual([]);
  });

  it('of a service that sends what no client may get is 1014', async () => {
    await using service = await startSocketService(
      ({ stream }) => void stream.write(Buffer.from([0xff, 0x00])),
    );
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);

    expect(await client.closed).toEqual({ code: 1014, reason: 'bad gateway' });
  });
});

describe('pings of a client', () => {
  it('are all answered, though they come in one packet, and cost no message behind them', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    const pings = Array.from({ length: 126 }, () => frame(OPCODE.ping, 'p'));

    client.write(Buffer.concat([Buffer.from(rawHandshake()), ...pings, frame(OPCODE.text, 'behind')]));

    await client.until(/behind/);
    expect(client.text.match(/\x8a\x01p/g)).toHaveLength(126);
  });
});

describe('a user', () => {
  it('may have a socket on each of two conversations', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    const headers = bearer();

    await using one = await openSocket(gateway, CHAT, { headers });
    await using two = await openSocket(gateway, '/v1/ws/chat?conversation_id=8', { headers });
    one.send('to 7');
    two.send('to 8');

    expect(await one.received(1)).toEqual(['to 7']);
    expect(await two.received(1)).toEqual(['to 8']);
  });
});
