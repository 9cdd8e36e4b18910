// Runs a sample from its sources: `npm run sample 01-first-upstream`. Prints an access token for it to standard error.
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importTypeScript } from './jest/modules.mjs';

const SAMPLES = new URL('../sample/', import.meta.url);

/** A token of a user for an hour, signed with the secret of the gateway. */
function signToken(secret) {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const claims = { sub: 'ada', jti: randomUUID(), exp, plan: 'gold' };
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const names = readdirSync(SAMPLES).filter((name) => /^\d\d-/.test(name));
const name = process.argv[2];
if (!names.includes(name)) {
  console.error(`usage: npm run sample NAME, one of:\n${names.map((each) => `  ${each}`).join('\n')}`);
  process.exit(64);
}
const secret = (process.env.JWT_SECRET ||= randomBytes(32).toString('base64url'));
console.error(`TOKEN=${signToken(secret)}`);
importTypeScript(join(tmpdir(), `gateway-samples-${process.getuid?.() ?? ''}`));
await import(`${SAMPLES.href}${name}/src/main.ts`);
