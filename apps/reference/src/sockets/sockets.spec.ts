import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { Conversations } from '../../test/conversation.js';
import { makeUser, startService, type RunningService } from '../../test/running-service.js';
import {
  chatPath,
  ORIGIN,
  signalingPath,
  SocketClient,
  WITH_ORIGIN,
  type Event,
} from '../../test/socket-client.js';
import { MessagesService } from '../chat/messages.service.js';

/** A plain connection that stays open when the other end ends its half. */
function connectTo({ url }: RunningService): Socket {
  return connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true }).on(
    'error',
    () => {},
  );
}

/** The status line of the response to a request with these headers. */
async function ask(connection: Socket, target: string, headers: Event): Promise<string> {
  const lines = Object.entries({ Host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  connection.write(`GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const [answer] = (await once(connection, 'data')) as [Buffer];
  return answer.toString().split('\r\n', 1)[0]!;
}

const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  Origin: ORIGIN,
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

describe('a WebSocket', () => {
  it.each([
    ['no token', {}, chatPath(randomUUID()), 401],
    // It comes from no page: only its token counts.
    ['no Origin and no token', { Origin: undefined }, chatPath(randomUUID()), 401],
    ['a foreign Origin', { Origin: 'https://evil.example' }, chatPath(randomUUID()), 403],
    ['no room', { Authorization: 'valid' }, '/v1/ws/chat', 400],
    ['a room that is no UUID', { Authorization: 'valid' }, chatPath('x'), 400],
    ['another path', { Authorization: 'valid' }, '/v1/ws/other', 404],
  ])('is refused with %s, in the envelope', async (_name, given: Event, path, status) => {
    await using chat = await startService('chat', WITH_ORIGIN);
    const { token } = makeUser();
    const headers: Event = { Origin: ORIGIN, ...given };
    if (headers['Authorization']) headers['Authorization'] = `Bearer ${token}`;
    if (headers['Origin'] === undefined) delete headers['Origin'];
    const socket = new WebSocket(`${chat.url}${path}`, { headers });

    const [, response] = (await once(socket, 'unexpected-response')) as [
      unknown,
      NodeJS.ReadableStream & Event,
    ];
    let body = '';
    for await (const chunk of response) body += String(chunk);

    expect(response['statusCode']).toBe(status);
    expect(JSON.parse(body)).toMatchObject({ success: false, error: { code: expect.any(String) } });
  });

  it('is let go when it is silent for too long, and kept while it answers', async () => {
    await using both = await Conversations.start('chat', { ...WITH_ORIGIN, heartbeatMs: 100 });
    const chat = both.service;
    const [ada, bob] = [makeUser(), makeUser()];
    const room = chatPath(await both.create(ada, bob));
    await using alive = await SocketClient.open(chat, room, ada.token);
    const silent = new WebSocket(`${chat.url}${room}`, {
      autoPong: false,
      headers: { Authorization: `Bearer ${bob.token}`, Origin: ORIGIN },
    });

    const [code] = (await once(silent, 'close')) as [number];

    expect(code).toBe(1006);
    expect(await alive.event('leave')).toBeDefined();
    for (let pings = 0; pings < 10; pings++) await once(alive.socket, 'ping');
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is closed with 1009 for a message of more than 1 MiB', async () => {
    await using both = await Conversations.start('chat', WITH_ORIGIN);
    const ada = makeUser();
    await using client = await SocketClient.open(both.service, chatPath(await both.create(ada)), ada.token);

    client.send('x'.repeat(1024 * 1024 + 1));

    expect(await client.closed).toBe(1009);
  });

  it('is closed with 1013 when it reads too slowly, without effect on others', async () => {
    await using both = await Conversations.start('chat', WITH_ORIGIN);
    const [ada, bob] = [makeUser(), makeUser()];
    const room = chatPath(await both.create(ada, bob));
    await using slow = await SocketClient.open(both.service, room, ada.token);
    await slow.event('joined');
    slow.socket.pause();
    await using fast = await SocketClient.open(both.service, room, bob.token);

    // More than the kernel's buffers and the backlog together.
    const count = 300;
    for (let each = 1; each <= count; each++) {
      fast.send({ type: 'message', content: 'x'.repeat(60_000) });
      while (fast.events.length <= each) await once(fast.socket, 'kept');
    }
    slow.socket.resume();

    expect(await slow.closed).toBe(1013);
    expect(slow.events.length).toBeLessThan(count);
  });

  it('is closed with 1001 when the service stops', async () => {
    await using both = await Conversations.start('chat', WITH_ORIGIN);
    const ada = makeUser();
    await using client = await SocketClient.open(both.service, chatPath(await both.create(ada)), ada.token);

    await both.service.app.close();

    expect(await client.closed).toBe(1001);
  });

  it('is refused with 503 once the service stops, which it does not hold up', async () => {
    await using both = await Conversations.start('chat', WITH_ORIGIN);
    const chat = both.service;
    const connection = connectTo(chat);
    expect(await ask(connection, '/health', {})).toBe('HTTP/1.1 200 OK');
    const ada = makeUser();
    const room = chatPath(await both.create(ada));

    const closed = (chat.app as { close(signal: string): Promise<void> }).close('SIGTERM');
    const handshake = { ...HANDSHAKE, Authorization: `Bearer ${ada.token}` };

    expect(await ask(connection, room, handshake)).toBe('HTTP/1.1 503 Service Unavailable');
    await closed;
    connection.destroy();
  });

  it('that was refused keeps no connection, though its client does', async () => {
    await using chat = await startService('chat', WITH_ORIGIN);
    const arrived = once(chat.app.getHttpServer() as Server, 'connection');
    const connection = connectTo(chat);
    const [accepted] = (await arrived) as [Socket];
    const gone = once(accepted, 'close');

    expect(await ask(connection, chatPath(randomUUID()), HANDSHAKE)).toBe('HTTP/1.1 401 Unauthorized');

    await gone;
    connection.destroy();
  });

  it.each([
    ['/health', 'h2c', 'HTTP/1.1 200 OK'],
    ['//', 'websocket', 'HTTP/1.1 404 Not Found'],
  ])('is not what %s with Upgrade: %s asks for', async (target, upgrade, status) => {
    await using chat = await startService('chat', WITH_ORIGIN);
    const connection = connectTo(chat);

    expect(await ask(connection, target, { Connection: 'Upgrade', Upgrade: upgrade })).toBe(status);
    connection.destroy();
  });
});

describe('chat', () => {
  it('sends joins, messages and leaves to all in the room, and to no others', async () => {
    await using both = await Conversations.start('chat', WITH_ORIGIN);
    const chat = both.service;
    const [ada, bob, eve] = [makeUser({ username: 'ada' }), makeUser({ username: 'bob' }), makeUser()];
    const [room, elsewhere] = [await both.create(ada, bob), await both.create(eve)];
    await using first = await SocketClient.open(chat, chatPath(room), ada.token);
    await first.event('joined');
    await using second = await SocketClient.open(chat, chatPath(room), bob.token);
    await using other = await SocketClient.open(chat, chatPath(elsewhere), eve.token);

    expect(await second.event('joined')).toEqual({
      type: 'joined',
      conversation_id: room,
      users: [
        { user_id: ada.id, username: 'ada' },
        { user_id: bob.id, username: 'bob' },
      ],
    });
    expect(await first.event('join')).toEqual({ type: 'join', user_id: bob.id, username: 'bob' });
    second.send({ type: 'message', content: 'hello' });
    const heard = await first.event('message');
    expect(heard).toMatchObject({ sender_id: bob.id, content: 'hello', conversation_id: room });
    expect(await second.event('message')).toEqual(heard);
    const history = await chat.send('GET', `/v1/messages?conversation_id=${room}`, ada.token);
    expect(history.body.data.messages).toMatchObject([{ id: heard['id'], content: 'hello' }]);
    second.socket.close();
    expect(await first.event('leave')).toMatchObject({ user_id: bob.id });
    expect(other.events.map(({ type }) => type as string)).toEqual(['joined']);
  });

  it('has a user come with the first socket and go with the last', async () => {
    await using running = await Conversations.start('chat', WITH_ORIGIN);
    const chat = running.service;
    const [alice, bob] = [makeUser(), makeUser()];
    const room = chatPath(await running.create(alice, bob));
    await using ada = await SocketClient.open(chat, room, alice.token);
    const both = [
      await SocketClient.open(chat, room, bob.token),
      await SocketClient.open(chat, room, bob.token),
    ];
    for (const client of both) {
      client.send({ type: 'message', content: 'bye' });
      await client.event('message');
      await client[Symbol.asyncDispose]();
    }
    await ada.event('leave');

    expect(ada.events.map(({ type }) => type as string)).toEqual([
      'joined',
      'join',
      'message',
      'message',
      'leave',
    ]);
  });

  it('answers a message that cannot be stored with an error, and goes on', async () => {
    await using both = await Conversations.start('chat', WITH_ORIGIN);
    const ada = makeUser();
    await using client = await SocketClient.open(both.service, chatPath(await both.create(ada)), ada.token);
    const messages = both.service.app.get(MessagesService, { strict: false });
    const { add } = messages;
    messages.add = () => {
      messages.add = add;
      throw new Error('database or disk is full');
    };

    client.send({ type: 'message', content: 'lost' });
    expect(await client.event('error')).toMatchObject({ error: { code: 'INTERNAL_SERVER_ERROR' } });
    client.send({ type: 'message', content: 'kept' });

    expect(await client.event('message')).toMatchObject({ content: 'kept' });
  });

  it('sends an error for messages of a user who sends too many bytes, over all sockets', async () => {
    // 3,200 bytes in 32 s, and a message counts as 2,048 at least.
    await using both = await Conversations.start('chat', { ...WITH_ORIGIN, messageBytesPerSecond: 100 });
    const [ada, bob] = [makeUser(), makeUser()];
    const room = chatPath(await both.create(ada, bob));
    await using one = await SocketClient.open(both.service, room, ada.token);
    await using two = await SocketClient.open(both.service, room, ada.token);
    await using other = await SocketClient.open(both.service, room, bob.token);

    one.send({ type: 'message', content: 'x'.repeat(1_500) });
    await two.event('message');
    two.send({ type: 'message', content: 'x'.repeat(1_500) });

    expect(await two.event('error')).toMatchObject({ error: { code: 'TOO_MANY_BYTES' } });
    other.send({ type: 'message', content: 'y'.repeat(1_500) });
    while (one.events.filter(({ type }) => type === 'message').length < 2) await one.next();
  });

  it('stores a message that is sent twice under one id once', async () => {
    await using both = await Conversations.start('chat', WITH_ORIGIN);
    const [chat, user] = [both.service, makeUser()];
    const room = await both.create(user);
    await using client = await SocketClient.open(chat, chatPath(room), user.token);

    for (let each = 0; each < 2; each++) client.send({ type: 'message', content: 'once', client_id: 'c1' });
    client.send({ type: 'message', content: 'last' });
    while (client.events.filter(({ type }) => type === 'message').length < 3)
      await once(client.socket, 'kept');

    const [, one, two, last] = client.events;
    expect(two).toEqual(one);
    expect(last!['id']).not.toBe(one!['id']);
    const history = await chat.send('GET', `/v1/messages?conversation_id=${room}`, user.token);
    expect(history.body.data.messages).toHaveLength(2);
  });

  it.each(['not JSON', '{"type":"dance"}', '{"type":"message","content":""}', 'null', '[]'])(
    'answers %s with an error, and the socket stays',
    async (text) => {
      await using both = await Conversations.start('chat', WITH_ORIGIN);
      const ada = makeUser();
      await using client = await SocketClient.open(both.service, chatPath(await both.create(ada)), ada.token);

      client.send(text);
      expect(await client.event('error')).toMatchObject({ error: { code: 'INVALID_MESSAGE' } });
      client.send({ type: 'message', content: 'still here' });

      expect(await client.event('message')).toMatchObject({ content: 'still here' });
    },
  );
});

describe('signaling', () => {
  it('carries offer, answer and candidates to the one they are for', async () => {
    await using video = await startService('video', WITH_ORIGIN);
    const [ada, bob, cy] = [makeUser(), makeUser(), makeUser()];
    const call = await video.send('POST', '/v1/calls/initiate', ada.token, {
      callee_ids: [bob.id, cy.id],
      type: 'video',
    });
    const path = signalingPath(call.body.data.id);
    await using caller = await SocketClient.open(video, path, ada.token);
    await using callee = await SocketClient.open(video, path, bob.token);
    await using third = await SocketClient.open(video, path, cy.token);
    await third.event('joined');

    caller.send({ type: 'offer', to: bob.id, data: { sdp: 'v=0' } });
    expect(await callee.event('offer')).toEqual({ type: 'offer', from: ada.id, data: { sdp: 'v=0' } });
    callee.send({ type: 'answer', to: ada.id, data: 'a' });
    callee.send({ type: 'ice', to: ada.id, data: { candidate: 'c' } });
    expect(await caller.event('answer')).toEqual({ type: 'answer', from: bob.id, data: 'a' });
    expect(await caller.event('ice')).toMatchObject({ data: { candidate: 'c' } });
    caller.send({ type: 'offer', to: randomUUID(), data: {} });
    expect(await caller.event('error')).toMatchObject({ error: { code: 'NOT_IN_CALL' } });

    expect(third.events.map(({ type }) => type as string)).toEqual(['joined']);
  });

  it.each([
    ['more than 64 KiB', JSON.stringify('x'.repeat(64 * 1024))],
    ['33 levels', '['.repeat(33) + ']'.repeat(33)],
    ['30,000 levels', '['.repeat(30_000) + ']'.repeat(30_000)],
  ])('answers a signal of %s with an error, and the socket stays', async (_what, data) => {
    await using video = await startService('video', WITH_ORIGIN);
    const [ada, bob] = [makeUser(), makeUser()];
    const { body } = await video.send('POST', '/v1/calls/initiate', ada.token, {
      callee_ids: [bob.id],
      type: 'video',
    });
    const path = signalingPath(body.data.id as string);
    await using caller = await SocketClient.open(video, path, ada.token);
    await using callee = await SocketClient.open(video, path, bob.token);
    await callee.event('joined');

    caller.send(`{"type":"offer","to":"${bob.id}","data":${data}}`);
    expect(await caller.event('error')).toMatchObject({ error: { code: 'INVALID_MESSAGE' } });
    const deepest = '['.repeat(32) + ']'.repeat(32);
    caller.send(`{"type":"answer","to":"${bob.id}","data":${deepest}}`);

    expect(await callee.event('answer')).toEqual({ type: 'answer', from: ada.id, data: JSON.parse(deepest) });
    expect(callee.events.map(({ type }) => type as string)).not.toContain('offer');
  });

  it('is over with the call', async () => {
    await using video = await startService('video', WITH_ORIGIN);
    const ada = makeUser();
    const call = await video.send('POST', '/v1/calls/initiate', ada.token, {
      callee_ids: [makeUser().id],
      type: 'audio',
    });
    const { id } = call.body.data;
    await video.send('POST', `/v1/calls/${id}/end`, ada.token);

    await expect(SocketClient.open(video, signalingPath(id), ada.token)).rejects.toThrow('409');
  });

  it('does not exist for users who are no callees', async () => {
    await using video = await startService('video', WITH_ORIGIN);
    const ada = makeUser();
    const call = await video.send('POST', '/v1/calls/initiate', ada.token, {
      callee_ids: [makeUser().id],
      type: 'audio',
    });

    await expect(
      SocketClient.open(video, signalingPath(call.body.data.id), makeUser().token),
    ).rejects.toThrow('404');
  });
});
