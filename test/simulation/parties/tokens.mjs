import { createHmac } from 'node:crypto';
import { JWT_SECRET } from './gateway.mjs';

/** An access token, as the auth service issues it. */
export function createToken({ user, tokenId, sessionId, lifeSeconds = 900 }) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    user_id: user,
    sub: user,
    email: `${user}@example.com`,
    username: user,
    role: 'user',
    aud: 'secureconnect-api',
    iss: 'secureconnect-auth',
    jti: tokenId,
    sid: sessionId,
    iat: now,
    nbf: now,
    exp: now + lifeSeconds,
  };
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims].map(encode).join('.');
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`;
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
