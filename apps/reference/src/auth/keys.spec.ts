import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeUser, startService, type RunningService } from '../../test/running-service.js';
import { Database } from '../database.js';

const keyOf = (name: string) => Buffer.from(name).toString('base64');

/** A bundle with one-time keys of these numbers. */
function bundleOf(...ids: number[]) {
  return {
    identity_key: keyOf('identity'),
    signed_pre_key: { key_id: 1, public_key: keyOf('signed'), signature: keyOf('signature') },
    one_time_pre_keys: ids.map((key_id) => ({ key_id, public_key: keyOf(`one time ${key_id}`) })),
  };
}

const range = (length: number) => Array.from({ length }, (_, n) => n);

async function register(auth: RunningService, username: string) {
  const person = { email: `${username}@example.org`, username, password: 'correct horse' };
  const { body } = await auth.send('POST', '/v1/auth/register', undefined, person);
  const { access_token: token, user } = body.data as { access_token: string; user: { id: string } };
  return { id: user.id, token };
}

type Person = Awaited<ReturnType<typeof register>>;

/** The ids of the one-time keys that a reader gets. */
async function readIds(auth: RunningService, owner: Person, reader: Person): Promise<number[]> {
  const { status, body } = await auth.send('GET', `/v1/keys/${owner.id}`, reader.token);
  expect(status).toBe(200);
  const { identity_key, signed_pre_key, one_time_pre_keys } = body.data.bundle as ReturnType<typeof bundleOf>;
  const { one_time_pre_keys: _, ...signed } = bundleOf();
  expect({ identity_key, signed_pre_key }).toEqual(signed);
  return one_time_pre_keys.map(({ key_id }) => key_id);
}

async function left(auth: RunningService, owner: Person): Promise<number> {
  const { body } = await auth.send('GET', `/v1/keys/${owner.id}`, owner.token);
  expect(body.data.bundle.one_time_pre_keys).toHaveLength(body.data.one_time_pre_keys_left as number);
  return body.data.one_time_pre_keys_left as number;
}

const change = (auth: RunningService, owner: Person, how: string, bundle: object) =>
  auth.send('POST', `/v1/keys/${how}`, owner.token, bundle);

describe('one-time prekeys', () => {
  it('are given once each to readers at the same time of two processes, then the signed one alone', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'keys-spec-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(dataDir, { recursive: true }));
    const [one, two] = [
      stack.use(await startService('auth', { dataDir })),
      stack.use(await startService('auth', { dataDir })),
    ];
    const ada = await register(one, 'ada');
    const uploaded = await change(one, ada, 'upload', bundleOf(...range(20)));
    expect(uploaded.body.data.one_time_pre_keys_left).toBe(20);

    const read = await Promise.all(range(30).map((n) => readIds(n % 2 ? one : two, ada, makeUser())));

    expect(read.flat().toSorted((a, b) => a - b)).toEqual(range(20));
    expect(read.filter((ids) => ids.length === 0)).toHaveLength(10);
    expect(await left(one, ada)).toBe(0);
  });

  it('are not used up by their owner, whose id may be in capitals', async () => {
    await using auth = await startService('auth');
    const [ada, bob] = [await register(auth, 'ada'), await register(auth, 'bob')];
    await change(auth, ada, 'upload', bundleOf(1, 2));
    const { body } = await auth.send('GET', `/v1/keys/${ada.id.toUpperCase()}`, ada.token);
    expect(body.data).toMatchObject({ bundle: bundleOf(1, 2), one_time_pre_keys_left: 2 });

    const { body: others } = await auth.send('GET', `/v1/keys/${ada.id.toUpperCase()}`, bob.token);
    expect(others.data.bundle.one_time_pre_keys).toEqual(bundleOf(1).one_time_pre_keys);
    expect(others.data).not.toHaveProperty('one_time_pre_keys_left');
    expect(await left(auth, ada)).toBe(1);
  });

  it('are not used up by a HEAD', async () => {
    await using auth = await startService('auth');
    const [ada, bob] = [await register(auth, 'ada'), await register(auth, 'bob')];
    await change(auth, ada, 'upload', bundleOf(1, 2));

    const response = await fetch(`${auth.url}/v1/keys/${ada.id}`, {
      method: 'HEAD',
      headers: { Authorization: `Bearer ${bob.token}` },
    });

    expect(response.status).toBe(200);
    expect(await left(auth, ada)).toBe(2);
  });

  it('are not given again when their owner uploads them again, nor when one is in an upload twice', async () => {
    await using auth = await startService('auth');
    const ada = await register(auth, 'ada');
    expect((await change(auth, ada, 'upload', bundleOf(1, 1, 2))).body.data.one_time_pre_keys_left).toBe(2);
    expect(await readIds(auth, ada, makeUser())).toEqual([1]);

    const rotated = await change(auth, ada, 'rotate', bundleOf(1, 2, 3));

    expect(rotated.body.data.one_time_pre_keys_left).toBe(2);
    expect(await readIds(auth, ada, makeUser())).toEqual([2]);
    expect(await readIds(auth, ada, makeUser())).toEqual([3]);
    expect(await readIds(auth, ada, makeUser())).toEqual([]);
  });

  it('are given to one reader once a minute', async () => {
    await using auth = await startService('auth');
    const [ada, bob] = [await register(auth, 'ada'), await register(auth, 'bob')];
    await change(auth, ada, 'upload', bundleOf(1, 2, 3));
    await change(auth, bob, 'upload', bundleOf(4));
    const eve = makeUser();

    expect(await readIds(auth, ada, eve)).toEqual([1]);
    expect(await readIds(auth, ada, eve)).toEqual([]);
    expect(await readIds(auth, bob, eve)).toEqual([4]);
    expect(await readIds(auth, ada, bob)).toEqual([2]);
    auth.app.get(Database).run`UPDATE one_time_pre_key_readers SET given_at = given_at - 60000`;
    expect(await readIds(auth, ada, eve)).toEqual([3]);
  });

  it('of a database of an earlier version were given to several readers, and are given to no more', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'keys-spec-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(dataDir, { recursive: true }));
    const old = await startService('auth', { dataDir });
    const [ada, bob] = [await register(old, 'ada'), await register(old, 'bob')];
    old.app.get(Database).run`
      INSERT INTO key_bundles (user_id, version, bundle, updated_at)
      VALUES (${ada.id}, 1, ${JSON.stringify(bundleOf(1, 2))}, '')`;
    await old[Symbol.asyncDispose]();

    const auth = stack.use(await startService('auth', { dataDir }));

    expect(await readIds(auth, ada, bob)).toEqual([]);
    expect((await change(auth, ada, 'rotate', bundleOf(2, 3))).body.data.one_time_pre_keys_left).toBe(1);
    expect(await readIds(auth, ada, makeUser())).toEqual([3]);
  });
});
