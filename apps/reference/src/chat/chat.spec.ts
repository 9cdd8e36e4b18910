import { randomUUID } from 'node:crypto';
import { Conversations } from '../../test/conversation.js';
import { makeUser, startService } from '../../test/running-service.js';

describe('messages', () => {
  it('are read back newest first, a page at a time', async () => {
    await using both = await Conversations.start('chat');
    const [chat, user] = [both.service, makeUser()];
    const conversation_id = await both.create(user);
    const add = (content: string) =>
      chat.send('POST', '/v1/messages', user.token, { conversation_id, content });
    const read = (query = '') =>
      chat.send('GET', `/v1/messages?conversation_id=${conversation_id}${query}`, user.token);
    const contents = (body: any) => body.data.messages.map((message: { content: string }) => message.content);

    const { status, body } = await add('one');
    expect(status).toBe(201);
    expect(body.data).toMatchObject({ conversation_id, sender_id: user.id, content: 'one', client_id: null });
    for (const content of ['two', 'three', 'four', 'five']) await add(content);

    const newest = (await read('&limit=2')).body;
    expect(contents(newest)).toEqual(['five', 'four']);
    const older = (await read(`&limit=3&before=${newest.data.next_before}`)).body;
    expect(contents(older)).toEqual(['three', 'two', 'one']);
    expect(older.data.next_before).toBeNull();
    expect((await read(`&before=${randomUUID()}`)).status).toBe(404);
    expect((await read('&limit=0')).status).toBe(400);
    const another = await both.create(user);
    const elsewhere = await chat.send('GET', `/v1/messages?conversation_id=${another}`, user.token);
    expect(elsewhere.body.data).toEqual({ messages: [], next_before: null });
  });

  it('sent twice under one client id are one message', async () => {
    await using both = await Conversations.start('chat');
    const [chat, user, other] = [both.service, makeUser(), makeUser()];
    const message = { conversation_id: await both.create(user, other), content: 'once', client_id: 'c1' };
    const first = await chat.send('POST', '/v1/messages', user.token, message);
    const second = await chat.send('POST', '/v1/messages', user.token, message);
    expect(second.body).toEqual(first.body);
    const others = await chat.send('POST', '/v1/messages', other.token, message);
    expect(others.body.data.id).not.toBe(first.body.data.id);
  });
});

describe('a message', () => {
  /** 3 bytes of UTF-8 in one UTF-16 unit. */
  const WIDE = '\u4e2d';

  it('has at most 64 KiB of UTF-8', async () => {
    await using both = await Conversations.start('chat');
    const [chat, user] = [both.service, makeUser()];
    const conversation_id = await both.create(user);
    const add = async (content: string) =>
      (await chat.send('POST', '/v1/messages', user.token, { conversation_id, content })).status;

    expect(await add('x'.repeat(65_536))).toBe(201);
    expect(await add(WIDE.repeat(21_845))).toBe(201);
    expect(await add('x'.repeat(65_537))).toBe(400);
    expect(await add(WIDE.repeat(21_846))).toBe(400);
  });

  it('is answered as it is read later, also if it is no valid Unicode', async () => {
    await using both = await Conversations.start('chat');
    const [chat, user] = [both.service, makeUser()];
    const conversation_id = await both.create(user);

    const message = { conversation_id, content: 'a\ud800', client_id: 'c1' };
    const added = await chat.send('POST', '/v1/messages', user.token, message);

    const { body } = await chat.send('GET', `/v1/messages?conversation_id=${conversation_id}`, user.token);
    expect(body.data.messages).toEqual([added.body.data]);
    expect(added.body.data.content).toBe('a\ufffd');
  });

  it.each(['a\ud800', '\udc00', 'a\ufffd'])('is 400 with the client id %j', async (client_id) => {
    await using both = await Conversations.start('chat');
    const user = makeUser();
    const message = { conversation_id: await both.create(user), content: 'hello', client_id };
    expect(await both.service.send('POST', '/v1/messages', user.token, message)).toMatchObject({
      status: 400,
      body: { error: { code: 'VALIDATION_FAILED' } },
    });
  });

  it('is 429 from a user who sends too many bytes, and from no other', async () => {
    // 3,200 bytes in 32 s, and a message counts as 2,048 at least.
    await using both = await Conversations.start('chat', { messageBytesPerSecond: 100 });
    const [chat, ada, bob] = [both.service, makeUser(), makeUser()];
    const conversation_id = await both.create(ada, bob);
    const add = (user: { token: string }) =>
      chat.send('POST', '/v1/messages', user.token, { conversation_id, content: 'x'.repeat(1_500) });

    expect((await add(ada)).status).toBe(201);
    const refused = await add(ada);
    expect(refused).toMatchObject({ status: 429, body: { error: { code: 'TOO_MANY_BYTES' } } });
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(9);
    expect((await add(bob)).status).toBe(201);
  });
});

describe('presence', () => {
  it('is the last one that the user set', async () => {
    await using chat = await startService('chat');
    const user = makeUser();
    const set = (status: string) => chat.send('POST', '/v1/presence', user.token, { status });
    expect((await set('online')).body.data).toMatchObject({ user_id: user.id, status: 'online' });
    expect((await set('away')).body.data.status).toBe('away');
    expect((await set('asleep')).status).toBe(400);
  });
});

describe('the demo page', () => {
  it('forbids frames, another base and sniffing of its type', async () => {
    await using chat = await startService('chat');

    const { status, headers } = await fetch(`${chat.url}/demo`);

    expect(status).toBe(200);
    const policy = headers.get('content-security-policy')!.split('; ');
    expect(policy).toEqual(
      expect.arrayContaining([
        "frame-ancestors 'none'",
        "base-uri 'none'",
        'img-src data:',
        "default-src 'self'",
      ]),
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });
});
