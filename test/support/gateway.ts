import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { createGateway, listen, type CreateGatewayOptions, type RootModule } from '@app/gateway';
import type { ModuleMetadata } from '@nestjs/common';
import { AppModule } from '../../apps/gateway/src/app.module.js';
import { JWT_SECRET } from './jwt-secret.js';

export { JWT_SECRET };

/** A line of the gateway's log. */
export type LogLine = Record<string, unknown>;

/** The real gateway on a free port of 127.0.0.1, and its log. */
export interface RunningGateway extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly app: Awaited<ReturnType<typeof createGateway>>;
  readonly logs: readonly LogLine[];
  /** Resolves with the first line, past or future, that has all these fields. */
  logged(fields: LogLine): Promise<LogLine>;
  /** Resolves with the next line. */
  nextLine(): Promise<void>;
}

export interface GatewayOptions {
  /**
   * Variables that replace the defaults of tests: no service and no Redis can be reached, there are no rate limits and no
   * health checks, and timeouts are the product's.
   */
  readonly env?: Readonly<Record<string, string>>;
  readonly modules?: NonNullable<ModuleMetadata['imports']>;
  /** The root module. Default: that of the product. */
  readonly root?: RootModule;
  readonly configure?: CreateGatewayOptions['configure'];
}

/** A port of 127.0.0.1 without a listener. */
const NOWHERE = 'http://127.0.0.1:9';

/** Starts the application with its production wiring. */
export async function startGateway({
  env = {},
  modules = [],
  root = AppModule,
  configure,
}: GatewayOptions = {}): Promise<RunningGateway> {
  const lines = new LogLines();
  const variables = {
    JWT_SECRET,
    PORT: '0',
    AUTH_SERVICE_URL: NOWHERE,
    CHAT_SERVICE_URL: NOWHERE,
    VIDEO_SERVICE_URL: NOWHERE,
    STORAGE_SERVICE_URL: NOWHERE,
    REDIS_URL: 'redis://127.0.0.1:9',
    RATELIMIT: 'off',
    HEALTH_CHECK_INTERVAL_MS: '0',
    // The clients and services of the test use the same event loop, and their work must not count as overload.
    MAX_EVENT_LOOP_DELAY_MS: '10000',
    SHUTDOWN_DELAY_MS: '0',
    DRAIN_TIMEOUT_MS: '0',
    ...env,
  };
  const app = await createGateway(root, { modules, variables, logs: lines, ...(configure && { configure }) });
  const { port } = await listen(app);
  return {
    app,
    port,
    url: `http://127.0.0.1:${port}`,
    logs: lines.all,
    logged: (fields) => lines.find(fields),
    nextLine: () => lines.next(),
    [Symbol.asyncDispose]: () => app.close(),
  };
}

class LogLines extends Writable {
  readonly all: LogLine[] = [];

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    for (const text of chunk.toString().split('\n')) {
      if (text === '') continue;
      this.all.push(JSON.parse(text) as LogLine);
      this.emit('line');
    }
    callback();
  }

  async find(fields: LogLine): Promise<LogLine> {
    const matches = (line: LogLine): boolean =>
      Object.entries(fields).every(([name, value]) => line[name] === value);
    for (;;) {
      const found = this.all.find(matches);
      if (found) return found;
      await this.next();
    }
  }

  async next(): Promise<void> {
    await once(this, 'line');
  }
}

/** The claims of a valid access token, as auth-service issues it. */
export function accessClaims(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const userId = randomUUID();
  return {
    user_id: userId,
    sub: userId,
    email: 'ada@example.com',
    username: 'ada',
    role: 'user',
    aud: 'secureconnect-api',
    iss: 'secureconnect-auth',
    jti: randomUUID(),
    iat: now,
    nbf: now,
    exp: now + 900,
    ...overrides,
  };
}

/** Differences from the tokens of auth-service. */
interface TokenForm {
  readonly secret?: string;
  readonly alg?: string;
  /** Fields of the header beside `alg` and `typ`. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A JWT made without the library that the tests test. */
export function signToken(
  claims: Readonly<Record<string, unknown>>,
  { secret = JWT_SECRET, alg = 'HS256', header = {} }: TokenForm = {},
): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg, typ: 'JWT', ...header })}.${part(claims)}`;
  if (alg === 'none') return `${signed}.`;
  return `${signed}.${createHmac(alg.replace('HS', 'sha'), secret).update(signed).digest('base64url')}`;
}

/** The `Authorization` header with a valid access token. */
export function bearer(overrides: Readonly<Record<string, unknown>> = {}): { Authorization: string } {
  return { Authorization: `Bearer ${signToken(accessClaims(overrides))}` };
}
