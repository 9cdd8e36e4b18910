import { accessClaims, bearer, JWT_SECRET, signToken, startGateway } from '../support/gateway.js';
import { startRecordingService, valuesOf } from '../support/recording-service.js';
import { startService } from '../support/service.js';

const now = Math.floor(Date.now() / 1000);

/** A token that another one was made of: its parts, in order. */
function partsOf(token: string): [string, string, string] {
  return token.split('.') as [string, string, string];
}

const valid = signToken(accessClaims());
const [head, claims, signature] = partsOf(valid);
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** What a client may send, the message of the 401, and the reason in the metric. */
const REFUSED: Readonly<Record<string, readonly [string | undefined, string, string]>> = {
  'no header': [undefined, 'Authorization header required', 'missing_header'],
  'an empty header': ['', 'Invalid authorization header format', 'invalid_format'],
  'a scheme alone': ['Bearer', 'Invalid authorization header format', 'invalid_format'],
  'a token alone': [valid, 'Invalid authorization header format', 'invalid_format'],
  'another scheme': ['Basic YWRhOmFkYQ==', 'Invalid authorization header format', 'invalid_format'],
  'two tokens': [`Bearer ${valid} ${valid}`, 'Invalid authorization header format', 'invalid_format'],
  'a list of two': [`Bearer ${valid}, Bearer x`, 'Invalid authorization header format', 'invalid_format'],
  'bytes that no token has': ['Bearer caf\u00e9', 'Invalid authorization header format', 'invalid_format'],
  'no JWT': ['Bearer opaque', 'Invalid token', 'invalid_token'],
  'two parts': [`Bearer ${head}.${claims}`, 'Invalid token', 'invalid_token'],
  'no signature': [`Bearer ${head}.${claims}.`, 'Invalid token', 'invalid_token'],
  'claims that were changed': [
    `Bearer ${head}.${encode(accessClaims({ role: 'admin' }))}.${signature}`,
    'Invalid token',
    'invalid_token',
  ],
  'claims that are no JSON': [`Bearer ${head}.bm90IGpzb24.${signature}`, 'Invalid token', 'invalid_token'],
  'the algorithm none': [
    `Bearer ${signToken(accessClaims(), { alg: 'none' })}`,
    'Invalid token',
    'invalid_token',
  ],
  'the algorithm none, with a signature': [
    `Bearer ${encode({ alg: 'none', typ: 'JWT' })}.${claims}.${signature}`,
    'Invalid token',
    'invalid_token',
  ],
  'the algorithm HS384': [
    `Bearer ${signToken(accessClaims(), { alg: 'HS384' })}`,
    'Invalid token',
    'invalid_token',
  ],
  'the algorithm HS512': [
    `Bearer ${signToken(accessClaims(), { alg: 'HS512' })}`,
    'Invalid token',
    'invalid_token',
  ],
  'another secret': [
    `Bearer ${signToken(accessClaims(), { secret: `${JWT_SECRET}!` })}`,
    'Invalid token',
    'invalid_token',
  ],
  'an extension that must be understood': [
    `Bearer ${signToken(accessClaims(), { header: { crit: ['http://example.com/unknown'] } })}`,
    'Invalid token',
    'invalid_token',
  ],
  'a token that expired': [bearer({ exp: now - 60 }).Authorization, 'Invalid token', 'expired'],
  'a token of the future': [bearer({ nbf: now + 600 }).Authorization, 'Invalid token', 'invalid_token'],
  'a token that is issued in the future': [
    bearer({ iat: now + 600 }).Authorization,
    'Invalid token',
    'invalid_token',
  ],
  'another audience': [
    bearer({ aud: 'elsewhere' }).Authorization,
    'Invalid token audience',
    'invalid_audience',
  ],
  'no audience': [bearer({ aud: undefined }).Authorization, 'Invalid token audience', 'invalid_audience'],
  'another issuer': [bearer({ iss: 'elsewhere' }).Authorization, 'Invalid token', 'invalid_token'],
  'no jti': [bearer({ jti: undefined }).Authorization, 'Invalid token', 'invalid_token'],
  'an empty jti': [bearer({ jti: '' }).Authorization, 'Invalid token', 'invalid_token'],
  'a jti that is no text': [bearer({ jti: { $gt: '' } }).Authorization, 'Invalid token', 'invalid_token'],
  'no exp': [bearer({ exp: undefined }).Authorization, 'Invalid token', 'invalid_token'],
  'an exp that is text': [bearer({ exp: `${now + 600}` }).Authorization, 'Invalid token', 'invalid_token'],
  'no user': [bearer({ user_id: undefined }).Authorization, 'Invalid token', 'invalid_token'],
  'a refresh token': [bearer({ jti: undefined, role: '' }).Authorization, 'Invalid token', 'invalid_token'],
  'a refresh token with a jti': [bearer({ role: '' }).Authorization, 'Invalid token', 'invalid_token'],
};

describe('a protected route', () => {
  it.each(Object.entries(REFUSED))(
    'refuses %s, and the service hears nothing of it',
    async (_name, [authorization, message, reason]) => {
      await using service = await startRecordingService();
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

      const response = await fetch(`${gateway.url}/v1/auth/profile`, {
        headers: authorization === undefined ? {} : { Authorization: authorization },
      });

      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(
        authorization === undefined ? 'Bearer' : 'Bearer error="invalid_token"',
      );
      const id = response.headers.get('x-request-id');
      expect(await response.json()).toEqual({ error: message, request_id: id });
      expect(service.accepted()).toBe(0);
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
      expect(metrics).toContain(
        `auth_failures_total{method="jwt",reason="${reason}",service="api-gateway"} 1\n`,
      );
      await gateway.logged({ request_id: id, status: 401, error_code: 'UNAUTHENTICATED' });
    },
  );

  it.each([
    ['the scheme in lower case', `bearer ${valid}`],
    ['more than one blank', `Bearer  ${valid} `],
    ['several audiences', bearer({ aud: ['elsewhere', 'secureconnect-api'] }).Authorization],
  ])('lets a token in with %s, and the service sees the header as it came', async (_name, authorization) => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const response = await fetch(`${gateway.url}/v1/auth/profile`, {
      headers: { Authorization: authorization },
    });

    expect(response.status).toBe(200);
    expect(valuesOf(service.requests[0]!, 'authorization')).toEqual([authorization.trim()]);
  });

  it('refuses a token that expires after it was let in once', async () => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, JWT_CLOCK_TOLERANCE_SECONDS: '0' },
    });
    const headers = bearer({ exp: Math.floor(Date.now() / 1000) + 2 });
    const ask = (): Promise<number> =>
      fetch(`${gateway.url}/v1/auth/profile`, { headers }).then(({ status }) => status);

    expect(await ask()).toBe(200);
    while ((await ask()) === 200);

    expect(await ask()).toBe(401);
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(/auth_failures_total\{method="jwt",reason="expired".*\} \d/);
  });
});

describe("a token of an issuer whose clock is not the gateway's", () => {
  it.each([
    ['nbf lies ahead', { nbf: now + 100 }],
    ['iat lies ahead', { iat: now + 100 }],
    ['exp has passed', { exp: now - 100 }],
  ])('is let in though its %s, as far as the tolerance goes', async (_how, changed) => {
    await using service = await startRecordingService();
    const env = { AUTH_SERVICE_URL: service.url };
    await using lenient = await startGateway({ env: { ...env, JWT_CLOCK_TOLERANCE_SECONDS: '300' } });
    await using strict = await startGateway({ env: { ...env, JWT_CLOCK_TOLERANCE_SECONDS: '0' } });

    const [tolerated, refused] = await Promise.all(
      [lenient, strict].map(({ url }) => fetch(`${url}/v1/auth/profile`, { headers: bearer(changed) })),
    );

    expect([tolerated!.status, refused!.status]).toEqual([200, 401]);
  });

  it('is let in by default though its nbf lies two seconds ahead, and not a minute', async () => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const statuses = await Promise.all(
      [2, 60].map(async (ahead) => {
        const at = Math.floor(Date.now() / 1000) + ahead;
        const headers = bearer({ nbf: at, iat: at });
        return (await fetch(`${gateway.url}/v1/auth/profile`, { headers })).status;
      }),
    );

    expect(statuses).toEqual([200, 401]);
  });
});

describe('a public route', () => {
  it.each(['none', 'Bearer opaque', 'Basic YWRhOmFkYQ=='])(
    'passes a request whose Authorization is %s on, unchanged',
    async (authorization) => {
      await using service = await startRecordingService();
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

      const response = await fetch(`${gateway.url}/v1/auth/login`, {
        method: 'POST',
        headers: { Authorization: authorization },
      });

      expect(response.status).toBe(200);
      expect(valuesOf(service.requests[0]!, 'authorization')).toEqual([authorization]);
    },
  );
});

describe('a logout', () => {
  it.each([200, 204])(
    'that the service answers with %d ends this token at once, and no other',
    async (status) => {
      await using service = await startService((_request, response) => response.writeHead(status).end());
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
      const user = { user_id: '7f0c7b1e-6a35-4f0b-8e0e-0d7f2e6d1c11' };
      const [headers, otherDevice] = [bearer(user), bearer(user)];
      const get = (of: typeof headers): Promise<Response> =>
        fetch(`${gateway.url}/v1/auth/profile`, { headers: of });
      expect((await get(headers)).status).toBe(status);

      await fetch(`${gateway.url}/v1/auth/logout`, { method: 'POST', headers });

      const refused = await get(headers);
      expect(refused.status).toBe(401);
      expect(await refused.json()).toMatchObject({ error: 'Token revoked' });
      expect((await get(otherDevice)).status).toBe(status);
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
      expect(metrics).toContain('auth_failures_total{method="jwt",reason="revoked",service="api-gateway"} 1');
    },
  );

  it.each([302, 400, 401, 500, 503])('that the service answers with %d does not', async (status) => {
    await using service = await startService((request, response) => {
      response.writeHead(request.method === 'POST' ? status : 200).end();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const headers = bearer();

    await fetch(`${gateway.url}/v1/auth/logout`, { method: 'POST', headers, redirect: 'manual' });

    expect((await fetch(`${gateway.url}/v1/auth/profile`, { headers })).status).toBe(200);
  });

  it('ends the token before the client reads the answer', async () => {
    await using service = await startService((request, response) => {
      response.write('{');
      if (request.method !== 'POST') response.end();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const headers = bearer();

    const logout = await fetch(`${gateway.url}/v1/auth/logout`, { method: 'POST', headers });
    const after = await fetch(`${gateway.url}/v1/auth/profile`, { headers });
    await logout.body!.cancel();

    expect([logout.status, after.status]).toEqual([200, 401]);
  });
});

describe('the log', () => {
  it('has no token in it, whatever a client does with one', async () => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, LOG_LEVEL: 'trace' } });
    const requests: [string, RequestInit?][] = [
      ['/v1/auth/profile', { headers: { Authorization: `Bearer ${valid}` } }],
      ['/v1/auth/profile', { headers: { Authorization: valid } }],
      [`/v1/auth/profile?access_token=${valid}&token=${valid}`],
      [`/nowhere/${valid}`],
      [`/v1/keys/${valid}`],
      [`/nowhere/${valid.replaceAll('.', '%2E')}`],
      [
        '/v1/auth/profile',
        { headers: { Authorization: `Bearer ${head}.${btoa('pw=hunter2').replaceAll('=', '')}.x` } },
      ],
      [`/nowhere?token=${valid}`],
      [`/v1/storage/objects/${valid}`],
      [`/v1/auth/profile%2f..%2f${valid}`],
      ['/v1/auth/profile', { headers: { 'X-Request-ID': valid, 'User-Agent': 'curl/8' } }],
    ];

    for (const [path, init] of requests) await (await fetch(`${gateway.url}${path}`, init)).text();

    await gateway.logged({ user_agent: 'curl/8' });
    const log = JSON.stringify(gateway.logs);
    expect(gateway.logs.filter(({ message }) => message === 'request')).toHaveLength(requests.length);
    for (const part of [claims, signature]) expect(log).not.toContain(part);
    expect(log).not.toContain(JWT_SECRET);
    expect(log).not.toContain('hunter2');
  });
});
