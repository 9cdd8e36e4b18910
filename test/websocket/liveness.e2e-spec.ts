import { once } from 'node:events';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { accessClaims, bearer, signToken, startGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';
import {
  CHAT,
  echo,
  frame,
  OPCODE,
  openRawSocket,
  openSocket,
  rawHandshake,
  SIGNALING,
  startSocketService,
} from '../support/websocket.js';

const FAST_PINGS = { WEBSOCKET_PING_INTERVAL_MS: '100' };
const LIVE = '/v1/ws/live';

/** A team's WebSocket, as a team would write it: its row with nothing but defaults, and a class that names it. */
@Upstream({
  name: 'live-service',
  instances: ['http://127.0.0.1:9'],
  routes: [{ methods: ['GET'], path: LIVE, websocket: {} }],
})
class LiveUpstream {}

@WebSocketGateway({ path: LIVE })
class LiveGateway {
  static readonly seen: string[] = [];

  handleConnection(): void {
    LiveGateway.seen.push('open');
  }

  handleDisconnect(): void {
    LiveGateway.seen.push('closed');
  }
}

@Module({ providers: [LiveUpstream, LiveGateway] })
class LiveModule {}

describe('the gateway', () => {
  it.concurrent('pings both sides', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, ...FAST_PINGS } });
    await using client = await openSocket(gateway);
    const end = await service.connection(0);

    await client.until(() => client.pings.length >= 4);
    await end.until(() => end.pings.length >= 4);

    expect(client.socket.readyState).toBe(client.socket.OPEN);
  });

  it.concurrent('drops a client that misses two pings, and closes the service side', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, ...FAST_PINGS } });
    await using client = await openRawSocket(gateway, service);

    const { text } = await client.ended();

    expect(text.match(/\x89/g)).toHaveLength(2);
    expect(await client.peer.closed).toEqual({ code: 1001, reason: 'client gone' });
    expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({ code: 1006 });
  });

  it.concurrent('drops a service that misses two pings', async () => {
    await using service = await startSocketService(() => {}, { autoPong: false });
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url, ...FAST_PINGS } });
    await using client = await openSocket(gateway, SIGNALING);

    expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
  });

  it.concurrent('keeps a client that answers with unasked pongs between its messages', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, ...FAST_PINGS } });
    await using client = await openRawSocket(gateway, service);
    for (let pings = 1; pings <= 6; pings++) {
      await client.until(new RegExp(`(\\x89[^]*){${pings}}`));
      client.write(frame(OPCODE.pong));
    }
    client.write(frame(OPCODE.text, 'alive'));

    await client.until(/alive/);
  });

  it.concurrent('does not ask a client in the middle of a long message whether it is there', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_PING_INTERVAL_MS: '50' },
    });
    await using client = await openRawSocket(gateway, service);
    const message = frame(OPCODE.binary, Buffer.alloc(60_000, 'x'));
    const pings = (): number => client.text.split('\x89').length - 1;

    // Ten pings long, none of which can be answered.
    for (let at = 0, seen = pings(); at < message.length; at += 5_000, seen = pings()) {
      client.write(message.subarray(at, at + 5_000));
      while (pings() === seen && at + 5_000 < message.length) await once(client.socket, 'received');
    }

    expect((await client.peer.received(1))[0]).toHaveLength(60_000);
  });
});

describe('revocation', () => {
  it.concurrent('closes the sockets of the token, and of no other, with 4403', async () => {
    await using service = await startSocketService(echo);
    await using auth = await startService((_request, response) => response.end('{}'));
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, AUTH_SERVICE_URL: auth.url },
    });
    const claims = accessClaims();
    const headers = { Authorization: `Bearer ${signToken(claims)}` };
    const otherDevice = bearer({ user_id: claims['user_id'] });
    await using one = await openSocket(gateway, CHAT, { headers });
    await using two = await openSocket(gateway, CHAT, { headers });
    await using other = await openSocket(gateway, CHAT, { headers: otherDevice });

    await fetch(`${gateway.url}/v1/auth/logout`, { method: 'POST', headers });

    const revoked = { code: 4403, reason: 'token revoked' };
    expect(await Promise.all([one.closed, two.closed])).toEqual([revoked, revoked]);
    expect(await (await service.connection(0)).closed).toEqual({ code: 1001, reason: 'token revoked' });
    await expect(openSocket(gateway, CHAT, { headers })).rejects.toThrow('refused with 401');
    other.send('still here');
    expect(await other.received(1)).toEqual(['still here']);
  });

  it.concurrent('that comes while the socket opens closes it too', async () => {
    const { promise: opening, resolve: begin } = Promise.withResolvers<void>();
    const { promise: loggedOut, resolve: logOut } = Promise.withResolvers<void>();
    await using service = await startSocketService(() => {}, {
      verifyClient: async (_info, done) => {
        begin();
        await loggedOut;
        done(true);
      },
    });
    await using auth = await startService((_request, response) => response.end('{}'));
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, AUTH_SERVICE_URL: auth.url },
    });
    const headers = bearer();
    const pending = openSocket(gateway, CHAT, { headers });
    await opening;

    await fetch(`${gateway.url}/v1/auth/logout`, { method: 'POST', headers });
    logOut();

    await using client = await pending;
    expect(await client.closed).toEqual({ code: 4403, reason: 'token revoked' });
  });
});

describe('the expiry of a token', () => {
  const EXACT = { JWT_CLOCK_TOLERANCE_SECONDS: '0' };
  const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

  it.concurrent('waits for the clock tolerance', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      modules: [LiveModule],
      env: { LIVE_SERVICE_URL: service.url, JWT_CLOCK_TOLERANCE_SECONDS: '100' },
    });
    await using expired = await openSocket(gateway, LIVE, { headers: bearer({ exp: inSeconds(-98) }) });
    await using tolerated = await openSocket(gateway, LIVE, { headers: bearer({ exp: inSeconds(-50) }) });

    expect(await expired.closed).toEqual({ code: 4401, reason: 'token expired' });
    expect(tolerated.socket.readyState).toBe(1);
  });

  // Alone: the class keeps one list for all gateways.
  it("closes a team's socket with 4401, in the middle of a message too, and the class hears of it", async () => {
    LiveGateway.seen.length = 0;
    await using service = await startSocketService();
    await using gateway = await startGateway({
      modules: [LiveModule],
      env: { LIVE_SERVICE_URL: service.url, ...EXACT },
    });
    const handshake = rawHandshake(LIVE, bearer({ exp: inSeconds(2) }));
    await using client = await openRawSocket(gateway, service, handshake);
    client.write(frame(OPCODE.text, 'half a mess', { fin: false }));

    await client.until(/\x88.\x11\x31token expired/s);
    client.write(frame(OPCODE.close, Buffer.from([0x11, 0x31])));

    expect(await client.peer.closed).toEqual({ code: 1001, reason: 'token expired' });
    expect(client.peer.messages).toEqual([]);
    expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({
      code: 4401,
      closed_by: 'gateway',
    });
    expect(LiveGateway.seen).toEqual(['open', 'closed']);
  });

  it.concurrent('closes no socket of chat, whose clients know no renewal', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      modules: [LiveModule],
      env: { CHAT_SERVICE_URL: service.url, LIVE_SERVICE_URL: service.url, ...EXACT },
    });
    const headers = bearer({ exp: inSeconds(2) });
    await using chat = await openSocket(gateway, CHAT, { headers });
    await using live = await openSocket(gateway, LIVE, { headers });

    expect(await live.closed).toEqual({ code: 4401, reason: 'token expired' });

    chat.send('still here');
    expect(await chat.received(1)).toEqual(['still here']);
  });

  it.concurrent('is put off by a fresh token of the same user, which the service does not see', async () => {
    await using service = await startSocketService(echo);
    await using auth = await startService((_request, response) => response.end('{}'));
    await using gateway = await startGateway({
      modules: [LiveModule],
      env: { LIVE_SERVICE_URL: service.url, AUTH_SERVICE_URL: auth.url, LOG_LEVEL: 'trace', ...EXACT },
    });
    const first = accessClaims({ exp: inSeconds(2) });
    const fresh = signToken({ ...first, jti: 'fresh', exp: inSeconds(900) });
    await using old = await openSocket(gateway, LIVE, {
      headers: { Authorization: `Bearer ${signToken(first)}` },
    });
    await using renewed = await openSocket(gateway, LIVE, {
      headers: { authorization: `Bearer ${signToken(first)}` },
    });

    renewed.send(`{"gateway:renew":"${fresh}"}`);

    const [answer] = await renewed.received(1);
    expect(JSON.parse(answer as string)).toEqual({ 'gateway:renewed': expect.any(Number) });
    expect(await old.closed).toEqual({ code: 4401, reason: 'token expired' });
    renewed.send('after the old one expired');
    expect((await renewed.received(2))[1]).toBe('after the old one expired');
    expect((await service.connection(1)).messages).toEqual(['after the old one expired']);
    expect(JSON.stringify(gateway.logs)).not.toContain(fresh.split('.')[2]);

    await fetch(`${gateway.url}/v1/auth/logout`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${fresh}` },
    });
    expect(await renewed.closed).toEqual({ code: 4403, reason: 'token revoked' });
  });

  it.concurrent.each([
    ['of another user', () => signToken(accessClaims()), 'Invalid token'],
    ['that is none', () => 'garbage', 'Invalid token'],
    ['for elsewhere', () => signToken(accessClaims({ aud: 'x' })), 'Invalid token audience'],
  ])('is not put off by a token %s', async (_name, token, message) => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      modules: [LiveModule],
      env: { LIVE_SERVICE_URL: service.url },
    });
    await using client = await openSocket(gateway, LIVE);

    client.send(`{"gateway:renew":"${token()}"}`);
    await client.received(1);
    client.send('{"gateway:renew":7}');
    await client.received(2);
    client.send('{"gateway:renewal":"a message of its own"}');

    expect(await client.received(3)).toEqual([
      `{"gateway:renewal_failed":"${message}"}`,
      expect.stringContaining('renewal_failed'),
      '{"gateway:renewal":"a message of its own"}',
    ]);
  });
});
