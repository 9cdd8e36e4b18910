import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Conversations } from '../../test/conversation.js';
import { makeUser, startService, type RunningService } from '../../test/running-service.js';
import { chatPath, signalingPath, SocketClient, WITH_ORIGIN } from '../../test/socket-client.js';

type User = ReturnType<typeof makeUser>;

const remove = (both: Conversations, by: User, path: string) => both.auth.send('DELETE', path, by.token);

/** Sends a message and waits until it comes back. */
async function talk(client: SocketClient): Promise<void> {
  const client_id = randomUUID();
  client.send({ type: 'message', content: 'hello', client_id });
  while (!client.events.some((event) => event['client_id'] === client_id)) await client.next();
}

describe('a chat socket', () => {
  it.concurrent('is for members alone, however the id is written', async () => {
    await using both = await Conversations.start('chat', WITH_ORIGIN);
    const [ada, bob, eve] = [makeUser(), makeUser(), makeUser()];
    const id = await both.create(ada, bob);

    for (const other of [id, id.toUpperCase(), randomUUID()]) {
      await expect(SocketClient.open(both.service, chatPath(other), eve.token)).rejects.toThrow('404');
    }
    await using one = await SocketClient.open(both.service, chatPath(id), ada.token);
    await using two = await SocketClient.open(both.service, chatPath(id.toUpperCase()), bob.token);
    two.send({ type: 'message', content: 'hello' });
    expect(await one.event('message')).toMatchObject({ conversation_id: id, sender_id: bob.id });
  });

  it.concurrent.each<
    [string, (both: Conversations, owner: User, member: User, id: string) => Promise<unknown>, number]
  >([
    [
      'a member was removed',
      (both, owner, { id: userId }, id) =>
        remove(both, owner, `/v1/conversations/${id}/participants/${userId}`),
      1,
    ],
    [
      'a member left',
      (both, _, member, id) => remove(both, member, `/v1/conversations/${id}/participants/${member.id}`),
      1,
    ],
    ["a member's account is gone", (both, _, member) => remove(both, member, '/v1/users/me'), 1],
    ['the conversation is gone', (both, owner, _, id) => remove(both, owner, `/v1/conversations/${id}`), 3],
    ["the owner's account is gone", (both, owner) => remove(both, owner, '/v1/users/me'), 3],
  ])('is closed when %s, all those and no others', async (_when, change, closed) => {
    await using both = await Conversations.start('chat', WITH_ORIGIN);
    const [member, owner, third] = [makeUser(), makeUser(), makeUser()];
    const id = await both.create(owner, member, third);
    const elsewhere = await both.create(third);
    await using stack = new AsyncDisposableStack();
    const open = async (user: User, room = id) =>
      stack.use(await SocketClient.open(both.service, chatPath(room), user.token));
    const clients = [await open(member), await open(owner), await open(third)];
    const other = await open(third, elsewhere);

    expect(await change(both, owner, member, id)).toMatchObject({ status: 200 });

    for (const client of clients.slice(0, closed)) expect(await client.closed).toBe(4404);
    for (const client of [...clients.slice(closed), other]) await talk(client);
    await expect(SocketClient.open(both.service, chatPath(id), member.token)).rejects.toThrow('404');
  });

  it.concurrent('says nothing more once it is closed, though its client does not answer', async () => {
    await using both = await Conversations.start('chat', WITH_ORIGIN);
    const [ada, bob] = [makeUser(), makeUser()];
    const id = await both.create(ada, bob);
    await using one = await SocketClient.open(both.service, chatPath(id), ada.token);
    await using two = await SocketClient.open(both.service, chatPath(id), bob.token);
    await two.event('joined');
    two.socket.pause();
    await remove(both, ada, `/v1/conversations/${id}/participants/${bob.id}`);

    // The connection ends half a second after the close frame.
    while (!one.events.some(({ type }) => type === 'leave')) {
      two.send({ type: 'message', content: 'late' });
      await talk(one);
    }

    const senders = one.events.filter(({ type }) => type === 'message').map(({ sender_id }) => sender_id);
    expect(senders.length - 1 - senders.lastIndexOf(bob.id)).toBeGreaterThan(3);
  });

  it.concurrent(
    'stays while auth-service is away for a while, and not for longer; none is opened then',
    async () => {
      await using both = await Conversations.start('chat', {
        ...WITH_ORIGIN,
        unknownMembershipTimeoutMs: 4_000,
      });
      const ada = makeUser();
      const id = await both.create(ada);
      await using client = await SocketClient.open(both.service, chatPath(id), ada.token);

      await both.auth.app.close();

      // Three seconds, for which an auth-service that restarts is waited for.
      await expect(SocketClient.open(both.service, chatPath(id), ada.token)).rejects.toThrow('503');
      await talk(client);
      expect(await client.closed).toBe(1013);
    },
  );
});

/** A call of these users. */
async function call(video: RunningService, caller: User, callees: User[], conversation_id: string | null) {
  const callee_ids = callees.map(({ id }) => id);
  const given = { callee_ids, type: 'audio', conversation_id };
  return video.send('POST', '/v1/calls/initiate', caller.token, given);
}

describe('a call of a conversation', () => {
  it.concurrent('is for its members alone', async () => {
    await using both = await Conversations.start('video', WITH_ORIGIN);
    const video = both.service;
    const [ada, bob, eve] = [makeUser(), makeUser(), makeUser()];
    const id = await both.create(ada, bob);
    expect((await call(video, eve, [ada], id)).status).toBe(404);
    expect((await call(video, eve, [ada], id.toUpperCase())).status).toBe(404);
    expect((await call(video, ada, [bob, eve], id)).status).toBe(404);
    expect((await call(video, ada, [bob], randomUUID())).status).toBe(404);
    expect((await call(video, ada, [bob], id.toUpperCase())).status).toBe(201);
  });

  it.concurrent('is over for a member who is removed, sockets included', async () => {
    await using both = await Conversations.start('video', WITH_ORIGIN);
    const video = both.service;
    const [ada, bob] = [makeUser(), makeUser()];
    const id = await both.create(ada, bob);
    const callId = (await call(video, ada, [bob], id)).body.data.id as string;
    await using one = await SocketClient.open(video, signalingPath(callId), ada.token);
    await using two = await SocketClient.open(video, signalingPath(callId.toUpperCase()), bob.token);

    await remove(both, ada, `/v1/conversations/${id}/participants/${bob.id}`);

    expect(await two.closed).toBe(4404);
    expect(await one.event('leave')).toMatchObject({ user_id: bob.id });
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/join'],
      ['POST', '/end'],
    ] as const) {
      expect((await video.send(method, `/v1/calls/${callId}${path}`, bob.token)).status).toBe(404);
    }
    await expect(SocketClient.open(video, signalingPath(callId), bob.token)).rejects.toThrow('404');
    expect(one.socket.readyState).toBe(one.socket.OPEN);
  });
});

describe('signaling', () => {
  it.concurrent('ends for all sockets when the call ends, at every process', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'signaling-spec-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(dataDir, { recursive: true }));
    const config = { ...WITH_ORIGIN, dataDir };
    const [here, there] = [
      stack.use(await startService('video', config)),
      stack.use(await startService('video', config)),
    ];
    const [ada, bob, cy] = [makeUser(), makeUser(), makeUser()];
    const ended = (await call(here, ada, [bob, cy], null)).body.data.id as string;
    const other = (await call(here, ada, [bob], null)).body.data.id as string;
    const open = async (service: RunningService, id: string, user: User) =>
      stack.use(await SocketClient.open(service, signalingPath(id), user.token));
    const clients = [
      await open(here, ended, ada),
      await open(here, ended, bob),
      await open(there, ended, cy),
    ];
    const going = await open(there, other, ada);

    expect((await here.send('POST', `/v1/calls/${ended}/end`, bob.token)).status).toBe(200);

    for (const client of clients) expect(await client.closed).toBe(1000);
    expect(going.socket.readyState).toBe(going.socket.OPEN);
  });
});
