import { randomUUID } from 'node:crypto';
import { startService, type RunningService } from '../../test/running-service.js';
import { Database } from '../database.js';

async function join(auth: RunningService, username: string) {
  const person = { email: `${username}@example.org`, username, password: 'correct horse' };
  const { body } = await auth.send('POST', '/v1/auth/register', undefined, person);
  return { id: body.data.user.id as string, token: body.data.access_token as string };
}

/** Creates users without a password, and returns their ids. */
function insertUsers(auth: RunningService, count: number): string[] {
  const ids = Array.from({ length: count }, () => randomUUID());
  auth.app.get(Database).run`
    INSERT INTO users (id, email, username, password, created_at, updated_at)
    SELECT value, value, value, '', '', '' FROM json_each(${JSON.stringify(ids)})`;
  return ids;
}

describe('contacts', () => {
  it('makes friends of two users who both agree', async () => {
    await using auth = await startService('auth');
    const [ada, bob] = [await join(auth, 'ada'), await join(auth, 'bob')];
    expect((await auth.send('POST', `/v1/users/${bob.id}/friend`, ada.token)).status).toBe(201);
    expect((await auth.send('POST', `/v1/users/${ada.id}/friend`, bob.token)).status).toBe(409);
    expect((await auth.send('GET', '/v1/users/me/friends', ada.token)).body.data).toEqual([]);
    const requests = await auth.send('GET', '/v1/users/me/friends?status=pending', bob.token);
    expect(requests.body.data).toMatchObject([{ id: ada.id, username: 'ada' }]);

    // The sender cannot accept the request.
    expect((await auth.send('POST', `/v1/users/me/friends/${bob.id}/accept`, ada.token)).status).toBe(404);
    expect((await auth.send('POST', `/v1/users/me/friends/${ada.id}/accept`, bob.token)).status).toBe(200);
    for (const [me, friend] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      const { body } = await auth.send('GET', '/v1/users/me/friends', me.token);
      expect(body.data).toMatchObject([{ id: friend.id }]);
    }
    expect((await auth.send('DELETE', `/v1/users/me/friends/${bob.id}`, ada.token)).status).toBe(200);
    expect((await auth.send('GET', '/v1/users/me/friends', bob.token)).body.data).toEqual([]);
  });

  it('rejects a request, and refuses requests to unknown users and oneself', async () => {
    await using auth = await startService('auth');
    const [ada, bob] = [await join(auth, 'ada'), await join(auth, 'bob')];
    await auth.send('POST', `/v1/users/${bob.id}/friend`, ada.token);
    expect((await auth.send('DELETE', `/v1/users/me/friends/${ada.id}/reject`, bob.token)).status).toBe(200);
    expect((await auth.send('DELETE', `/v1/users/me/friends/${ada.id}/reject`, bob.token)).status).toBe(404);
    expect((await auth.send('POST', `/v1/users/${ada.id}/friend`, ada.token)).status).toBe(400);
    expect((await auth.send('POST', `/v1/users/${randomUUID()}/friend`, ada.token)).status).toBe(404);
    expect((await auth.send('POST', '/v1/users/nobody/friend', ada.token)).status).toBe(400);
  });

  it('keeps a blocked user away until unblocked', async () => {
    await using auth = await startService('auth');
    const [ada, bob] = [await join(auth, 'ada'), await join(auth, 'bob')];
    await auth.send('POST', `/v1/users/${bob.id}/friend`, ada.token);
    await auth.send('POST', `/v1/users/me/friends/${ada.id}/accept`, bob.token);
    expect((await auth.send('POST', `/v1/users/${bob.id}/block`, ada.token)).status).toBe(200);

    expect((await auth.send('GET', '/v1/users/me/blocked', ada.token)).body.data).toMatchObject([
      { id: bob.id },
    ]);
    expect((await auth.send('GET', '/v1/users/me/friends', bob.token)).body.data).toEqual([]);
    const asked = await auth.send('POST', `/v1/users/${ada.id}/friend`, bob.token);
    expect(asked).toMatchObject({ status: 403, body: { error: { code: 'BLOCKED' } } });
    const invited = await auth.send('POST', '/v1/conversations', bob.token, { participant_ids: [ada.id] });
    expect(invited.status).toBe(403);

    expect((await auth.send('DELETE', `/v1/users/${bob.id}/block`, ada.token)).status).toBe(200);
    expect((await auth.send('POST', `/v1/users/${ada.id}/friend`, bob.token)).status).toBe(201);
  });
});

describe('a list of contacts', () => {
  it('gives the first 1,000', async () => {
    await using auth = await startService('auth');
    const ada = await join(auth, 'ada');
    const ids = JSON.stringify(insertUsers(auth, 1_001));
    const database = auth.app.get(Database);
    database.run`
      INSERT INTO friendships (requester_id, addressee_id, status, since)
      SELECT value, ${ada.id}, 'pending', '' FROM json_each(${ids})`;
    database.run`
      INSERT INTO blocks (blocker_id, blocked_id, since) SELECT ${ada.id}, value, '' FROM json_each(${ids})`;
    const list = async (path: string): Promise<unknown[]> =>
      (await auth.send('GET', `/v1/users/me/${path}`, ada.token)).body.data;

    expect(await list('blocked')).toHaveLength(1_000);
    expect(await list('friends?status=pending')).toHaveLength(1_000);
    database.run`UPDATE friendships SET status = 'accepted'`;
    expect(await list('friends')).toHaveLength(1_000);
  });
});

describe('a block', () => {
  it('also applies if a third user invites both', async () => {
    await using auth = await startService('auth');
    const [ada, bob, cy] = [await join(auth, 'ada'), await join(auth, 'bob'), await join(auth, 'cyd')];
    await auth.send('POST', `/v1/users/${bob.id}/block`, ada.token);
    const BLOCKED = { status: 403, body: { error: { code: 'BLOCKED' } } };
    const create = (participant_ids: string[]) =>
      auth.send('POST', '/v1/conversations', cy.token, { participant_ids });

    expect(await create([ada.id, bob.id])).toMatchObject(BLOCKED);
    for (const [first, second] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      const { id } = (await create([first.id])).body.data;
      const add = (user_ids: string[]) =>
        auth.send('POST', `/v1/conversations/${id}/participants`, cy.token, { user_ids });
      expect(await add([second.id])).toMatchObject(BLOCKED);
      expect((await add([first.id])).status).toBe(201);
    }
    const { id } = (await create([])).body.data;
    const path = `/v1/conversations/${id}/participants`;
    expect(await auth.send('POST', path, cy.token, { user_ids: [ada.id, bob.id] })).toMatchObject(BLOCKED);
  });
});

describe('conversations', () => {
  it('exist for their participants only', async () => {
    await using auth = await startService('auth');
    const [ada, bob, eve] = [await join(auth, 'ada'), await join(auth, 'bob'), await join(auth, 'eve')];
    const creation = { title: 'Engines', participant_ids: [bob.id, bob.id.toUpperCase()] };
    const { status, body } = await auth.send('POST', '/v1/conversations', ada.token, creation);
    expect(status).toBe(201);
    expect(body.data).toMatchObject({
      title: 'Engines',
      owner_id: ada.id,
      settings: { is_e2ee_enabled: true, message_ttl_seconds: null },
      participants: [
        { user_id: ada.id, role: 'owner' },
        { user_id: bob.id, role: 'member' },
      ],
    });
    const path = `/v1/conversations/${body.data.id}`;
    expect((await auth.send('GET', path, bob.token)).body.data).toEqual(body.data);
    expect((await auth.send('GET', '/v1/conversations', bob.token)).body.data).toEqual([body.data]);

    expect((await auth.send('GET', '/v1/conversations', eve.token)).body.data).toEqual([]);
    expect((await auth.send('GET', path, eve.token)).status).toBe(404);
    expect((await auth.send('GET', `${path}/participants`, eve.token)).status).toBe(404);
    expect((await auth.send('PATCH', path, eve.token, { title: 'Mine' })).status).toBe(404);
    const invitation = { user_ids: [eve.id] };
    expect((await auth.send('POST', `${path}/participants`, eve.token, invitation)).status).toBe(404);
    expect((await auth.send('DELETE', path, eve.token)).status).toBe(404);
  });

  it('obey their owner', async () => {
    await using auth = await startService('auth');
    const [ada, bob, eve] = [await join(auth, 'ada'), await join(auth, 'bob'), await join(auth, 'eve')];
    const creation = { participant_ids: [bob.id] };
    const { id } = (await auth.send('POST', '/v1/conversations', ada.token, creation)).body.data;
    const path = `/v1/conversations/${id}`;

    const settings = { is_e2ee_enabled: false, message_ttl_seconds: 60 };
    expect((await auth.send('PUT', `${path}/settings`, bob.token, settings)).body.data.settings).toEqual(
      settings,
    );
    expect((await auth.send('PATCH', path, bob.token, { title: 'New' })).body.data.title).toBe('New');
    const added = await auth.send('POST', `${path}/participants`, bob.token, { user_ids: [eve.id] });
    expect(added.status).toBe(201);
    expect(added.body.data).toHaveLength(3);

    expect((await auth.send('DELETE', `${path}/participants/${eve.id}`, bob.token)).status).toBe(403);
    expect((await auth.send('DELETE', `${path}/participants/${eve.id}`, ada.token)).status).toBe(200);
    expect((await auth.send('DELETE', `${path}/participants/${ada.id}`, ada.token)).status).toBe(409);
    expect((await auth.send('DELETE', path, bob.token)).status).toBe(403);
    expect((await auth.send('DELETE', `${path}/participants/${bob.id}`, bob.token)).status).toBe(200);
    expect((await auth.send('DELETE', path, ada.token)).status).toBe(200);
    expect((await auth.send('GET', path, ada.token)).status).toBe(404);
  });
});

describe('a conversation of many', () => {
  it('has at most 256 participants, and a list gives ten of them with their number', async () => {
    await using auth = await startService('auth');
    const ada = await join(auth, 'ada');
    const ids = insertUsers(auth, 256);
    const creation = { participant_ids: ids.slice(0, 100) };
    const { id } = (await auth.send('POST', '/v1/conversations', ada.token, creation)).body.data;
    const path = `/v1/conversations/${id}`;
    const add = (user_ids: string[]) => auth.send('POST', `${path}/participants`, ada.token, { user_ids });
    expect((await add(ids.slice(100, 200))).status).toBe(201);

    expect(await add(ids.slice(200))).toMatchObject({
      status: 409,
      body: { error: { code: 'TOO_MANY_PARTICIPANTS' } },
    });
    expect((await add(ids.slice(200, 255))).status).toBe(201);

    const { body } = await auth.send('GET', path, ada.token);
    expect(body.data.participant_count).toBe(256);
    const joined = body.data.participants.map(({ user_id }: { user_id: string }) => user_id);
    expect(joined).toEqual([ada.id, ...ids.slice(0, 255)]);
    const [listed] = (await auth.send('GET', '/v1/conversations', ada.token)).body.data;
    expect(listed).toEqual({ ...body.data, participants: body.data.participants.slice(0, 10) });
  });
});

describe('keys', () => {
  it('are uploaded once, then rotated, and open to every user', async () => {
    await using auth = await startService('auth');
    const [ada, bob] = [await join(auth, 'ada'), await join(auth, 'bob')];
    const bundle = {
      identity_key: 'aWQ=',
      signed_pre_key: { key_id: 1, public_key: 'cGs=', signature: 'c2ln' },
      one_time_pre_keys: [{ key_id: 7, public_key: 'b25l' }],
    };
    expect((await auth.send('POST', '/v1/keys/rotate', ada.token, bundle)).status).toBe(404);
    expect((await auth.send('POST', '/v1/keys/upload', ada.token, bundle)).status).toBe(201);
    expect((await auth.send('POST', '/v1/keys/upload', ada.token, bundle)).status).toBe(409);
    const next = { ...bundle, identity_key: 'bmV4dA==' };
    expect((await auth.send('POST', '/v1/keys/rotate', ada.token, next)).body.data.version).toBe(2);
    const { body } = await auth.send('GET', `/v1/keys/${ada.id}`, bob.token);
    expect(body.data).toMatchObject({ user_id: ada.id, version: 2, bundle: next });
    expect((await auth.send('GET', `/v1/keys/${bob.id}`, ada.token)).status).toBe(404);
    expect((await auth.send('POST', '/v1/keys/upload', bob.token, { identity_key: '?' })).status).toBe(400);
  });
});
