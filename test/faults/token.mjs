import { createHmac, randomUUID } from 'node:crypto';

export const JWT_SECRET = 'a secret of the bench, long enough to be one';

/** An access token that outlives every bench, made by hand. @param others claims in place of those that it has */
export function signToken(others = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const user = randomUUID();
  const claims = {
    user_id: user,
    sub: user,
    email: 'ada@example.com',
    username: 'ada',
    role: 'user',
    aud: 'secureconnect-api',
    iss: 'secureconnect-auth',
    jti: randomUUID(),
    iat: now,
    nbf: now,
    exp: now + 7_200,
    ...others,
  };
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`;
}
