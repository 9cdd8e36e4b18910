import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Conversations } from '../../test/conversation.js';
import { makeUser, startService, type RunningService } from '../../test/running-service.js';
import { ServiceTokens } from '../tokens/service-tokens.js';
import { AuthServiceClient } from './auth-service.client.js';
import { MEMBERSHIPS_PATH } from './membership.js';

type User = ReturnType<typeof makeUser>;

/** The statuses of a user who writes to and reads a conversation. */
async function statusesOf(chat: RunningService, { token }: User, conversation_id: string): Promise<number[]> {
  const written = await chat.send('POST', '/v1/messages', token, { conversation_id, content: 'hello' });
  const read = await chat.send('GET', `/v1/messages?conversation_id=${conversation_id}`, token);
  return [written.status, read.status];
}

/** An address that accepts connections and sends nothing. */
async function startSilence(): Promise<AsyncDisposable & { url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** An address without a listener. */
const NOWHERE = 'http://127.0.0.1:9';

describe('messages of a conversation', () => {
  it('are for its members alone, however its id is written', async () => {
    await using both = await Conversations.start('chat');
    const [ada, eve] = [makeUser(), makeUser()];
    const id = await both.create(ada);

    expect(await statusesOf(both.service, ada, id)).toEqual([201, 200]);
    expect(await statusesOf(both.service, ada, id.toUpperCase())).toEqual([201, 200]);
    const { body } = await both.service.send('GET', `/v1/messages?conversation_id=${id}`, ada.token);
    expect(body.data.messages).toHaveLength(2);
    for (const other of [id, id.toUpperCase(), randomUUID()]) {
      expect(await statusesOf(both.service, eve, other)).toEqual([404, 404]);
    }
  });

  it('are for members whose token has the id in capitals, too', async () => {
    await using both = await Conversations.start('chat');
    const ada = makeUser();
    const id = await both.create(ada);
    const { token } = makeUser({ user_id: ada.id.toUpperCase() }, { subject: ada.id });
    expect(await statusesOf(both.service, { ...ada, token }, id)).toEqual([201, 200]);
  });

  it('end when the user leaves or is removed, and when the conversation or its owner is deleted', async () => {
    await using both = await Conversations.start('chat');
    const [ada, bob, cy] = [makeUser(), makeUser(), makeUser()];
    const id = await both.create(ada, bob, cy);
    const remove = (by: User, path: string) => both.auth.send('DELETE', path, by.token);
    for (const user of [ada, bob, cy]) expect(await statusesOf(both.service, user, id)).toEqual([201, 200]);

    await remove(ada, `/v1/conversations/${id}/participants/${bob.id}`);
    expect(await statusesOf(both.service, bob, id)).toEqual([404, 404]);
    await remove(cy, `/v1/conversations/${id.toUpperCase()}/participants/${cy.id.toUpperCase()}`);
    expect(await statusesOf(both.service, cy, id)).toEqual([404, 404]);
    await remove(ada, `/v1/conversations/${id}`);
    expect(await statusesOf(both.service, ada, id)).toEqual([404, 404]);

    const another = await both.create(ada, bob);
    await remove(ada, '/v1/users/me');
    expect(await statusesOf(both.service, bob, another)).toEqual([404, 404]);
  });
});

describe('memberships', () => {
  it.each([
    ['if no auth-service responds', [NOWHERE]],
    ['without the address of an auth-service', []],
  ])('are unknown, and get 503, %s', async (_reason, authServiceUrls) => {
    await using chat = await startService('chat', { authServiceUrls });
    const message = { conversation_id: randomUUID(), content: 'hello' };
    const answer = await chat.send('POST', '/v1/messages', makeUser().token, message);
    expect(answer).toMatchObject({ status: 503, body: { error: { code: 'MEMBERSHIPS_UNKNOWN' } } });
  });

  it('are asked of another instance of auth-service if one is away or hangs', async () => {
    await using silence = await startSilence();
    await using auth = await startService('auth');
    await using both = await Conversations.start('chat', {
      authServiceUrls: [NOWHERE, silence.url, auth.url],
    });
    // Another auth-service, which does not know this conversation, but responds.
    const id = await both.create(makeUser());
    expect(await statusesOf(both.service, makeUser(), id)).toEqual([404, 404]);
  });

  it('are known of more than one question can carry', async () => {
    await using both = await Conversations.start('chat');
    const ada = makeUser();
    const conversation_id = await both.create(ada);
    const client = both.service.app.get(AuthServiceClient);
    const asked = Array.from({ length: 2_500 }, (_, n) => ({
      n,
      conversation_id,
      user_id: n % 100 === 0 ? ada.id : randomUUID(),
    }));

    const nonMembers = await client.findNonMembers(asked);

    expect(nonMembers.map(({ n }) => n)).toEqual(asked.map(({ n }) => n).filter((n) => n % 100 !== 0));
  });

  it('are given only to services, whose tokens are no access tokens', async () => {
    await using both = await Conversations.start('chat');
    const ada = makeUser();
    const memberships = [{ conversation_id: await both.create(ada), user_id: ada.id }];
    const ask = (token?: string) => both.auth.send('POST', MEMBERSHIPS_PATH, token, { memberships });
    const service = await both.service.app.get(ServiceTokens).sign();

    expect((await ask()).status).toBe(401);
    expect((await ask(ada.token)).status).toBe(401);
    expect(await ask(service)).toMatchObject({ status: 200, body: { data: [true] } });
    expect((await both.auth.send('GET', '/v1/users/me', service)).status).toBe(401);
    expect((await both.service.send('POST', '/v1/presence', service, { status: 'online' })).status).toBe(401);
  });
});
