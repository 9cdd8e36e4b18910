import { createHmac, createSecretKey } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { AccessTokenVerifier } from './access-token.verifier.js';
import { AUTH_DEFAULTS, type TokenOptions } from './auth.options.js';

const SECRET = 'a secret of the tests, long enough to be one';

const CLAIMS = { ...AUTH_DEFAULTS.claims, userId: 'user_id', role: 'role', username: 'username' };

/** Counts what it verifies, so that a test sees what the cache spared. */
class CountingJwtService extends JwtService {
  verified = 0;

  override decode<Decoded>(token: string, options?: object): Decoded {
    this.verified++;
    return super.decode<Decoded>(token, options);
  }
}

function createVerifier(cachedTokens = 2, clockToleranceSeconds = 0, changes: Partial<TokenOptions> = {}) {
  const jwt = new CountingJwtService({
    secret: createSecretKey(SECRET, 'utf8'),
    verifyOptions: { algorithms: ['HS256'], clockTolerance: clockToleranceSeconds },
  });
  const options = {
    secret: SECRET,
    audience: 'here',
    issuer: 'auth',
    claims: CLAIMS,
    clockToleranceSeconds,
    cachedTokens,
    ...changes,
  };
  return { jwt, verifier: new AccessTokenVerifier(jwt, options) };
}

function sign(claims: object, header: object = {}): string {
  const parts = [
    { alg: 'HS256', typ: 'JWT', ...header },
    { user_id: 'u', role: 'user', aud: 'here', iss: 'auth', jti: 'j', exp: 4_000_000_000, ...claims },
  ];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}

function signedBy(secret: string, token: string): string {
  const signed = token.slice(0, token.lastIndexOf('.'));
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

describe('AccessTokenVerifier', () => {
  afterEach(() => jest.useRealTimers());

  it('reads who a token speaks for', () => {
    const { verifier } = createVerifier();

    expect(verifier.verify(sign({ email: 'ada@example.com', username: 'ada' }))).toEqual({
      userId: 'u',
      email: 'ada@example.com',
      username: 'ada',
      role: 'user',
      tokenId: 'j',
      expiresAt: 4_000_000_000,
    });
    expect(verifier.verify(sign({ email: 7 }))).toMatchObject({ email: '', username: '' });
  });

  it('reads other claims, if the options name them', () => {
    const claims = { ...CLAIMS, userId: 'sub', tokenId: 'tid', role: undefined };
    const { verifier } = createVerifier(2, 0, { claims });

    expect(verifier.verify(sign({ sub: 's', tid: 't', role: 'admin' }))).toMatchObject({
      userId: 's',
      tokenId: 't',
      role: '',
    });
    expect(() => verifier.verify(sign({ tid: 't' }))).toThrow('Invalid token');
    expect(() => verifier.verify(sign({ sub: 's' }))).toThrow('Invalid token');
  });

  it.each([
    [{ jti: undefined }, 'the claim jti is missing'],
    [{ user_id: 7 }, 'the claim user_id is not of its type'],
    [{ role: '' }, 'the claim role is not of its type'],
    [{ iss: 'other' }, 'the claim iss names another issuer'],
    [{ iat: 4_000_000_000 }, 'the claim iat is in the future'],
  ])('names the claim that refuses %j', (claims, message) => {
    const { verifier } = createVerifier();

    expect(() => verifier.verify(sign(claims))).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ message }) }),
    );
  });

  it('accepts any audience and any issuer, if the options name none', () => {
    const { verifier } = createVerifier(2, 0, { audience: undefined, issuer: undefined });

    expect(verifier.verify(sign({ aud: undefined, iss: undefined }))).toMatchObject({ userId: 'u' });
    expect(verifier.verify(sign({ aud: ['x'], iss: 'y' }))).toMatchObject({ userId: 'u' });
  });

  it('gives a principal that nobody can change for the next request', () => {
    const { verifier } = createVerifier();
    const principal = verifier.verify(sign({}));

    expect(() => Object.assign(principal, { role: 'admin' })).toThrow(TypeError);
  });

  it.each([{ crit: ['exp'] }, { crit: ['b64'], b64: true }, { crit: [] }, { crit: null }])(
    'refuses a token whose header has %j, which it does not understand',
    (header) => {
      const { verifier } = createVerifier();

      expect(() => verifier.verify(sign({}, header))).toThrow('Invalid token');
      expect(() => verifier.verify(sign({}, header))).toThrow('Invalid token');
    },
  );

  it('accepts other fields of a header that it does not know', () => {
    const { verifier } = createVerifier();

    expect(verifier.verify(sign({}, { kid: '1', cty: 'crit' })).tokenId).toBe('j');
  });

  it.each<[string, (token: string) => string]>([
    ['is one word', () => 'token'],
    ['is empty', () => ''],
    ['has no signature', (token) => token.slice(0, token.lastIndexOf('.') + 1)],
    ['has a signature that is too short', (token) => token.slice(0, -2)],
    ['has the signature of other claims', (token) => token.replace('.', '.e30')],
    ['is signed with another secret', (token) => signedBy('another secret, long enough as well', token)],
  ])('refuses a token that %s before the library decodes it', (_how, change) => {
    const { jwt, verifier } = createVerifier();

    expect(() => verifier.verify(change(sign({})))).toThrow(
      expect.objectContaining({ failure: 'invalid_token' }),
    );
    expect(jwt.verified).toBe(0);
  });

  it.each(['\r\nX-Name: value', '\n', ' ', '*', '\u0100'])(
    'refuses a token with %j in its signature, which base64 skips: the gateway writes tokens into headers',
    (more) => {
      const { verifier } = createVerifier();

      expect(() => verifier.verify(sign({}) + more)).toThrow('Invalid token');
    },
  );

  it('verifies a token once, and never remembers one that it refused', () => {
    const { jwt, verifier } = createVerifier();
    const [token, refused] = [sign({}), sign({ iss: 'elsewhere' })];

    verifier.verify(token);
    verifier.verify(token);
    expect(jwt.verified).toBe(1);
    expect(() => verifier.verify(refused)).toThrow('Invalid token');
    expect(() => verifier.verify(refused)).toThrow('Invalid token');
    expect(jwt.verified).toBe(3);
  });

  it('remembers as many tokens as it was told: those used latest, of those that came twice', () => {
    const { jwt, verifier } = createVerifier(2);
    const [first, second, third] = ['1', '2', '3'].map((jti) => sign({ jti })) as [string, string, string];

    for (const token of [first, second, first, third]) verifier.verify(token);
    expect(jwt.verified).toBe(3);
    verifier.verify(first);
    expect(jwt.verified).toBe(3);
    verifier.verify(second);
    expect(jwt.verified).toBe(3);
    verifier.verify(third);
    expect(jwt.verified).toBe(4);
    verifier.verify(third);
    verifier.verify(second);
    expect(jwt.verified).toBe(4);
    verifier.verify(first);
    expect(jwt.verified).toBe(5);
  });

  it('keeps the tokens of few users while many others come once each', () => {
    const { jwt, verifier } = createVerifier(2);
    const mine = sign({ jti: 'mine' });
    verifier.verify(mine);

    for (let index = 0; index < 1_000; index++) verifier.verify(sign({ jti: `other ${index}` }));
    jwt.verified = 0;
    verifier.verify(mine);

    expect(jwt.verified).toBe(0);
  });

  it('does not outlive the exp of a token that it remembers', () => {
    jest.useFakeTimers({ now: 1_000_000_000 });
    const { verifier } = createVerifier();
    const token = sign({ exp: 1_000_010 });

    jest.setSystemTime(1_000_009_999);
    expect(verifier.verify(token).expiresAt).toBe(1_000_010);
    jest.setSystemTime(1_000_010_000);
    expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ failure: 'expired' }));
    expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ failure: 'expired' }));
  });

  it('lets a token that it remembers go on for the clock tolerance', () => {
    jest.useFakeTimers({ now: 1_000_000_000 });
    const { verifier } = createVerifier(2, 5);
    const token = sign({ exp: 1_000_010 });
    const principal = verifier.verify(token);

    jest.setSystemTime(1_000_014_999);
    expect(verifier.verify(token)).toBe(principal);
    expect(verifier.isExpired(principal)).toBe(false);
    jest.setSystemTime(1_000_015_000);
    expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ failure: 'expired' }));
    expect(verifier.isExpired(principal)).toBe(true);
  });

  it.each([
    ['nbf', 1, 'invalid_token'],
    ['iat', 1, 'invalid_token'],
    ['exp', -1, 'expired'],
  ])('takes a token whose %s is off by no more than the clock tolerance', (claim, direction, failure) => {
    jest.useFakeTimers({ now: 1_000_000_000_000 });
    const { verifier } = createVerifier(9, 5);
    const offBy = (seconds: number): string => sign({ [claim]: 1_000_000_000 + direction * seconds });

    expect(verifier.verify(offBy(4))).toMatchObject({ userId: 'u' });
    expect(() => verifier.verify(offBy(6))).toThrow(expect.objectContaining({ failure }));
  });
});
