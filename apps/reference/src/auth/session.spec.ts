import { startService, type RunningService } from '../../test/running-service.js';
import { Database } from '../database.js';

const ada = { email: 'ada@example.org', username: 'ada', password: 'correct horse' };

async function register(auth: RunningService, person = ada) {
  return (await auth.send('POST', '/v1/auth/register', undefined, person)).body.data;
}

function login(auth: RunningService, password: string, email = ada.email) {
  return auth.send('POST', '/v1/auth/login', undefined, { email, password });
}

function refresh(auth: RunningService, refresh_token: string) {
  return auth.send('POST', '/v1/auth/refresh', undefined, { refresh_token });
}

function mailed(auth: RunningService, recipient: string): string {
  type Row = { token: string };
  return auth.app.get(Database).row<Row>`SELECT token FROM mail_outbox WHERE recipient = ${recipient}`!.token;
}

function claimsOf(token: string) {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
}

describe('sessions', () => {
  it('registers a user and hands out tokens with the claims of the contract', async () => {
    await using auth = await startService('auth');
    const { status, body } = await auth.send('POST', '/v1/auth/register', undefined, {
      ...ada,
      email: ' Ada@Example.org',
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ success: true, data: { token_type: 'Bearer', expires_in: 900 } });
    const { user, access_token, refresh_token } = body.data;
    expect(user).toMatchObject({ email: ada.email, username: 'ada', role: 'user' });
    expect(user).not.toHaveProperty('password');

    const claims = claimsOf(access_token);
    expect(claims).toMatchObject({
      user_id: user.id,
      sub: user.id,
      email: ada.email,
      username: 'ada',
      role: 'user',
      aud: 'secureconnect-api',
      iss: 'secureconnect-auth',
      jti: expect.any(String),
      nbf: claims.iat,
      exp: claims.iat + 900,
    });
    const refreshClaims = claimsOf(refresh_token);
    expect(refreshClaims).toMatchObject({ role: '', aud: claims.aud, iss: claims.iss });
    expect(refreshClaims).not.toHaveProperty('jti');
    expect(refreshClaims.exp - refreshClaims.iat).toBe(30 * 24 * 3600);

    const profile = await auth.send('GET', '/v1/auth/profile', access_token);
    expect(profile).toMatchObject({ status: 200, body: { success: true, data: user } });
  });

  it('refuses a second account under the same email or name, and one that is no account', async () => {
    await using auth = await startService('auth');
    await register(auth);
    const attempt = (person: object) => auth.send('POST', '/v1/auth/register', undefined, person);
    expect(await attempt({ ...ada, username: 'other' })).toMatchObject({
      status: 409,
      body: { success: false, error: { code: 'EMAIL_TAKEN' } },
    });
    expect(await attempt({ ...ada, email: 'other@example.org', username: 'ADA' })).toMatchObject({
      status: 409,
      body: { error: { code: 'USERNAME_TAKEN' } },
    });
    const { status, body } = await attempt({ email: 'nowhere', username: 'a b', password: 'short' });
    expect(status).toBe(400);
    expect(body.error.code).toBe('VALIDATION_FAILED');
    expect(body.error.message).toMatch(/email: .*username: .*password: /);
    expect((await attempt([])).status).toBe(400);
    expect((await auth.send('POST', '/v1/auth/register')).status).toBe(400);
  });

  it('answers a wrong password and an unknown email alike', async () => {
    await using auth = await startService('auth');
    await register(auth);
    const wrong = await login(auth, 'incorrect horse');
    const unknown = await login(auth, ada.password, 'eve@example.org');
    expect(wrong).toMatchObject({ status: 401, body: { error: { code: 'INVALID_CREDENTIALS' } } });
    expect(unknown.status).toBe(wrong.status);
    expect(unknown.body).toEqual(wrong.body);
    expect(await login(auth, ada.password)).toMatchObject({ status: 200, body: { data: { user: {} } } });
  });

  it('rotates refresh tokens, and ends the session when an old one is used again', async () => {
    await using auth = await startService('auth');
    const first = await register(auth);
    const second = (await refresh(auth, first.refresh_token)).body.data;
    expect((await auth.send('GET', '/v1/auth/profile', second.access_token)).status).toBe(200);

    const reuse = await refresh(auth, first.refresh_token);
    expect(reuse).toMatchObject({ status: 401, body: { error: { code: 'INVALID_REFRESH_TOKEN' } } });
    expect((await refresh(auth, second.refresh_token)).status).toBe(401);
    for (const { access_token } of [first, second]) {
      expect((await auth.send('GET', '/v1/auth/profile', access_token)).body.error.message).toBe(
        'Token revoked',
      );
    }
  });

  it('takes neither kind of token for the other', async () => {
    await using auth = await startService('auth');
    const { access_token, refresh_token } = await register(auth);
    expect(await auth.send('GET', '/v1/auth/profile', refresh_token)).toMatchObject({
      status: 401,
      body: { success: false, error: { code: 'UNAUTHORIZED', message: 'Invalid token' } },
    });
    expect((await refresh(auth, access_token)).status).toBe(401);
  });

  it('refuses both tokens after logout, and leaves other sessions alone', async () => {
    await using auth = await startService('auth');
    const here = await register(auth);
    const there = (await login(auth, ada.password)).body.data;
    expect(await auth.send('POST', '/v1/auth/logout', here.access_token)).toMatchObject({
      status: 200,
      body: { success: true, data: null },
    });
    expect((await auth.send('GET', '/v1/auth/profile', here.access_token)).status).toBe(401);
    expect((await refresh(auth, here.refresh_token)).status).toBe(401);
    expect((await auth.send('GET', '/v1/auth/profile', there.access_token)).status).toBe(200);
    expect((await refresh(auth, there.refresh_token)).status).toBe(200);
  });

  it('are at most 100 of a user: one more ends the one that was not renewed for longest', async () => {
    await using auth = await startService('auth');
    const first = await register(auth);
    const second = (await login(auth, ada.password)).body.data;
    const database = auth.app.get(Database);
    database.run`
      INSERT INTO sessions (id, user_id, rotation, expires_at)
      SELECT value, ${first.user.id}, '', (SELECT max(expires_at) FROM sessions) FROM (
        WITH RECURSIVE n(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n LIMIT 98) SELECT * FROM n)`;
    const profile = async ({ access_token }: { access_token: string }) =>
      (await auth.send('GET', '/v1/auth/profile', access_token)).status;
    const { sid } = claimsOf(first.access_token);
    database.run`UPDATE sessions SET expires_at = expires_at - 60 WHERE id <> ${sid}`;

    const last = (await login(auth, ada.password)).body.data;

    expect([await profile(first), await profile(second), await profile(last)]).toEqual([200, 401, 200]);
    expect(database.row`SELECT count(*) AS count FROM sessions`).toEqual({ count: 100 });
  });

  it('have at most 20 live access tokens each: one more revokes the oldest', async () => {
    await using auth = await startService('auth');
    const pairs = [await register(auth)];
    for (let renewals = 0; renewals < 20; renewals++) {
      pairs.push((await refresh(auth, pairs.at(-1).refresh_token)).body.data);
    }

    const statuses: number[] = [];
    for (const { access_token } of pairs) {
      statuses.push((await auth.send('GET', '/v1/auth/profile', access_token)).status);
    }

    expect(statuses).toEqual([401, ...Array<number>(20).fill(200)]);
  });

  it('resets a forgotten password by a mailed token, once, and ends all sessions', async () => {
    await using auth = await startService('auth');
    const before = await register(auth);
    const request = (email: string) =>
      auth.send('POST', '/v1/auth/password-reset/request', undefined, { email });
    expect((await request('eve@example.org')).body).toEqual((await request(ada.email)).body);

    const body = { token: mailed(auth, ada.email), new_password: 'battery staple' };
    const confirm = () => auth.send('POST', '/v1/auth/password-reset/confirm', undefined, body);
    expect((await confirm()).status).toBe(200);
    expect(await confirm()).toMatchObject({ status: 400, body: { error: { code: 'INVALID_TOKEN' } } });
    expect((await login(auth, ada.password)).status).toBe(401);
    expect((await login(auth, 'battery staple')).status).toBe(200);
    expect((await refresh(auth, before.refresh_token)).status).toBe(401);
  });

  it('changes name, password and email of an account, and deletes it', async () => {
    await using auth = await startService('auth');
    const other = await register(auth);
    const { access_token: token } = (await login(auth, ada.password)).body.data;
    const me = (method: string, path = '', body?: unknown) =>
      auth.send(method, `/v1/users/me${path}`, token, body);

    expect((await me('PATCH', '', { username: 'lovelace' })).body.data.username).toBe('lovelace');

    const change = { current_password: ada.password, new_password: 'battery staple' };
    expect((await me('POST', '/password', { ...change, current_password: 'no' })).status).toBe(403);
    expect((await me('POST', '/password', change)).status).toBe(200);
    expect((await auth.send('GET', '/v1/users/me', other.access_token)).status).toBe(401);

    await me('POST', '/email', { new_email: 'countess@example.org', password: 'battery staple' });
    expect((await me('GET')).body.data.email).toBe(ada.email);
    const verified = await me('POST', '/email/verify', { token: mailed(auth, 'countess@example.org') });
    expect(verified.body.data.email).toBe('countess@example.org');

    expect((await me('DELETE')).status).toBe(200);
    expect((await me('GET')).body.error.message).toBe('Token revoked');
    expect((await login(auth, 'battery staple', 'countess@example.org')).status).toBe(401);
  });
});
