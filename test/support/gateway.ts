import { RunningGateway, signJwt, type Claims, type TokenForm } from '@app/testing/internal';
import type { CreateGatewayOptions, RootModule } from '@app/gateway';
import { randomUUID } from 'node:crypto';
import { AppModule } from '../../apps/gateway/src/app.module.js';
import { JWT_SECRET } from './jwt-secret.js';

export { JWT_SECRET };
export type { LogLine } from '@app/testing';
export type { RunningGateway };

export interface GatewayOptions {
  /**
   * Variables that replace the defaults of tests: no service and no Redis can be reached, there are no rate limits and no
   * health checks, and timeouts are the product's.
   */
  readonly env?: Readonly<Record<string, string>>;
  readonly modules?: NonNullable<CreateGatewayOptions['modules']>;
  /** The root module. Default: that of the product. */
  readonly root?: RootModule;
  readonly configure?: CreateGatewayOptions['configure'];
}

/** A port of 127.0.0.1 without a listener. */
const NOWHERE = 'http://127.0.0.1:9';

/** Starts SecureConnect's gateway with its production wiring, without fake upstreams. */
export function startGateway({
  env = {},
  modules = [],
  root = AppModule,
  configure,
}: GatewayOptions = {}): Promise<RunningGateway> {
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
  // Jest ends a test that waits too long.
  return RunningGateway.start(root, {
    modules,
    variables,
    waitMs: Infinity,
    ...(configure && { configure }),
  });
}

/** The claims of a valid access token, as auth-service issues it. */
export function accessClaims(overrides: Claims = {}): Record<string, unknown> {
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

/** A JWT made without the library that the tests test. @param form differences from the tokens of auth-service */
export function signToken(claims: Claims, form: Partial<TokenForm> = {}): string {
  return signJwt(claims, { secret: JWT_SECRET, ...form });
}

/** The `Authorization` header with a valid access token. */
export function bearer(overrides: Claims = {}): { Authorization: string } {
  return { Authorization: `Bearer ${signToken(accessClaims(overrides))}` };
}
