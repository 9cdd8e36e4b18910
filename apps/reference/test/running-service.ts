import type { INestApplication } from '@nestjs/common';
import { JwtService, type JwtSignOptions } from '@nestjs/jwt';
import { randomUUID, scrypt, type ScryptOptions } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { PasswordService } from '../src/auth/password.service.js';
import { createService } from '../src/create-service.js';
import type { ServiceConfig } from '../src/service.config.js';

const JWT_SECRET = 'a secret for tests, of 32 characters or more';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Each test asserts the shape.
  readonly body: any;
}

export interface RunningService extends AsyncDisposable {
  readonly app: INestApplication;
  readonly url: string;
  /** Sends `body` as JSON; a body that is no JSON comes back as undefined. */
  send(method: string, path: string, token?: string, body?: unknown): Promise<Answer>;
}

export interface TestConfig extends Partial<ServiceConfig> {
  /** Whether a hash of a password takes the product's 0.1 s of CPU. Default: no. */
  readonly fullHashes?: boolean;
}

export async function startService(
  service: ServiceConfig['service'],
  { fullHashes = false, ...config }: TestConfig = {},
): Promise<RunningService> {
  const app = await createService({ service, jwtSecret: JWT_SECRET, ...config });
  if (service === 'auth' && !fullHashes) lowerCost(app.get(PasswordService));
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    app,
    url,
    send: async (method, path, token, body) => {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json');
      return {
        status: response.status,
        headers: response.headers,
        body: isJson ? JSON.parse(text) : undefined,
      };
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

/** Hashes the same passwords to keys as long, with less work. */
function lowerCost(passwords: PasswordService): void {
  const deriveKey = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);
  passwords.derive = (password, salt) => deriveKey(password.normalize(), salt, 32, { N: 2 });
}

/** A user with an access token, for services without a table of users. */
export function makeUser(claims: object = {}, options: JwtSignOptions = {}): { id: string; token: string } {
  const id = randomUUID();
  const jwt = new JwtService({ secret: JWT_SECRET });
  const token = jwt.sign(
    { user_id: id, email: 'someone@example.org', username: 'someone', role: 'user', ...claims },
    {
      algorithm: 'HS256',
      audience: 'secureconnect-api',
      issuer: 'secureconnect-auth',
      subject: id,
      jwtid: randomUUID(),
      expiresIn: 60,
      ...options,
    },
  );
  return { id, token };
}
