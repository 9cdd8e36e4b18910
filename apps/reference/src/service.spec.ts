import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeUser, startService } from '../test/running-service.js';
import { readEnvironment, ServiceConfigError, type ServiceConfig } from './service.config.js';

const SERVICES: ServiceConfig['service'][] = ['auth', 'chat', 'video', 'storage'];

describe('every service', () => {
  it.each(SERVICES)('reports the health of %s', async (name) => {
    await using service = await startService(name);
    const { status, body } = await service.send('GET', '/health');
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'healthy', service: `${name}-service`, timestamp: expect.any(String) });
  });

  it('refuses tokens that are no access tokens of this system', async () => {
    await using chat = await startService('chat');
    const messageFor = async (token?: string) => {
      const { status, body } = await chat.send('POST', '/v1/presence', token, { status: 'online' });
      return [status, body.error?.message];
    };
    expect(await messageFor(makeUser().token)).toEqual([200, undefined]);
    expect(await messageFor()).toEqual([401, 'Authorization header required']);
    expect(await messageFor('two words')).toEqual([401, 'Invalid authorization header format']);
    const refused = [
      'nonsense',
      makeUser({}, { expiresIn: -1 }).token,
      makeUser({}, { notBefore: 60 }).token,
      makeUser({}, { issuer: 'another' }).token,
      makeUser({}, { algorithm: 'HS512' }).token,
      makeUser({}, { secret: 'another secret, also of 32 characters' }).token,
      makeUser({}, { header: { alg: 'HS256', crit: ['exp'] } }).token,
      makeUser({ role: '' }).token,
      makeUser({ jti: undefined }, { jwtid: '' }).token,
      makeUser({ user_id: 'someone else' }).token,
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${makeUser().token.split('.')[1]}.`,
    ];
    for (const token of refused) expect(await messageFor(token)).toEqual([401, 'Invalid token']);
    expect(await messageFor(makeUser({}, { audience: 'others' }).token)).toEqual([
      401,
      'Invalid token audience',
    ]);
  });

  it('takes the caller from the token, not from headers', async () => {
    await using chat = await startService('chat');
    const user = makeUser();
    const response = await fetch(`${chat.url}/v1/presence`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${user.token}`,
        'x-user-id': makeUser().id,
      },
      body: '{"status":"away"}',
    });
    expect(await response.json()).toMatchObject({ data: { user_id: user.id } });
  });

  it('responds to unreadable bodies with an error in its envelope', async () => {
    await using chat = await startService('chat');
    const { token } = makeUser();
    const malformed = await chat.send('POST', '/v1/presence', token, '{"status":');
    expect(malformed).toMatchObject({
      status: 400,
      body: { success: false, error: { code: 'BAD_REQUEST' } },
    });
    const large = await chat.send('POST', '/v1/presence', token, { status: 'x'.repeat(1024 * 1024) });
    expect(large).toMatchObject({ status: 413, body: { error: { code: 'PAYLOAD_TOO_LARGE' } } });
    const unknown = await chat.send('GET', '/v1/nothing', token);
    expect(unknown).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
  });

  it('keeps its data in DATA_DIR', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'reference-'));
    await using _removed = { [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true }) };
    const user = { email: 'ada@example.org', username: 'ada', password: 'correct horse' };
    {
      await using auth = await startService('auth', { dataDir });
      await auth.send('POST', '/v1/auth/register', undefined, user);
    }
    await using auth = await startService('auth', { dataDir });
    expect((await auth.send('POST', '/v1/auth/login', undefined, user)).status).toBe(200);
  });

  it('finishes a request in flight when it stops, and takes no other', async () => {
    await using auth = await startService('auth');
    const server = auth.app.getHttpServer();
    const arrived = once(server, 'request');
    const inFlight = auth.send('POST', '/v1/auth/register', undefined, {
      email: 'ada@example.org',
      username: 'ada',
      password: 'correct horse',
    });
    await arrived;
    const closed = auth.app.close();
    const { status, headers } = await inFlight;
    expect(status).toBe(201);
    expect(headers.get('connection')).toBe('close');
    await closed;
    await expect(fetch(`${auth.url}/health`)).rejects.toThrow('fetch failed');
  });
});

describe('readEnvironment', () => {
  const JWT_SECRET = 'x'.repeat(32);

  it('has defaults for all but the service and the secret', () => {
    expect(readEnvironment({ SERVICE: 'chat', JWT_SECRET, DATA_DIR: '' })).toMatchObject({
      service: 'chat',
      host: '127.0.0.1',
      port: 8080,
      dataDir: undefined,
    });
  });

  it('takes the addresses of auth-service as the gateway does', () => {
    const urlsOf = (AUTH_SERVICE_URL: string) =>
      readEnvironment({ SERVICE: 'chat', JWT_SECRET, AUTH_SERVICE_URL }).authServiceUrls;
    expect(urlsOf('http://10.0.0.1:8080, http://10.0.0.2:8080/')).toEqual([
      'http://10.0.0.1:8080',
      'http://10.0.0.2:8080',
    ]);
    expect(urlsOf('dns://auth-service:8080')).toEqual(['http://auth-service:8080']);
    expect(urlsOf('')).toBeUndefined();
  });

  it('names every fault at once', () => {
    const env = {
      SERVICE: 'mail',
      PORT: '99999',
      JWT_SECRET: 'short',
      AUTH_SERVICE_URL: 'redis://auth:8080',
      QUOTA_BYTES: '-1',
    };
    const read = () => readEnvironment(env);
    expect(read).toThrow(ServiceConfigError);
    for (const name of Object.keys(env)) expect(read).toThrow(`\n  ${name}: `);
    expect(() => readEnvironment({ SERVICE: 'auth', JWT_SECRET, JWT_SECRET_FILE: '/nowhere' })).toThrow(
      'not both',
    );
  });
});
