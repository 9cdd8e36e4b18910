import { RevocationStore } from '@app/auth/internal';
import type { CreateGatewayOptions, GatewaySettings, RootModule } from '@app/gateway';
import { mergeCode, SETTINGS, TABLE, upstreamsOf, type Settings } from '@app/gateway/internal';
import { UpstreamRegistry } from '@app/proxy/internal';
import type { FakeUpstream, FakeUpstreamOptions } from './fake-upstream.js';
import { FakeUpstreams } from './fake-upstreams.js';
import type { LogLine } from './log-lines.js';
import { openWebSocket } from './open-web-socket.js';
import { RunningGateway } from './running-gateway.js';
import { TestGatewayError } from './test-gateway.error.js';
import { TEST_SETTINGS } from './test-settings.js';
import type { WebSocketClient, WebSocketOptions } from './web-socket-end.js';
import { accessClaims, claimsOf, signJwt, type Claims, type TokenForm } from './tokens.js';

/** What a test changes of the application that it starts. All fields are optional. */
export interface TestGatewayOptions {
  /**
   * Fake upstreams by the name of the upstream. Default: each upstream of the application has one, which responds with 501 until
   * `respondWith` says otherwise. An optional upstream has one only if it is named here.
   */
  readonly upstreams?: Readonly<Record<string, Omit<FakeUpstreamOptions, 'name'>>>;
  /** Settings that replace those of the application and of tests. Default: none. */
  readonly settings?: GatewaySettings;
  /** Variables, which win over all settings. Those of the process are not read. Default: `ENV=test`. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Modules in addition to the application's. Default: none. */
  readonly modules?: NonNullable<CreateGatewayOptions['modules']>;
  /** Milliseconds of real time that the test waits for a log line, a request, a WebSocket or a message. Default: 4000. */
  readonly waitMs?: number;
}

/** Options of a token of `signToken` and `bearer`. */
export type TestTokenOptions = Partial<TokenForm>;

/**
 * Starts an application with its production wiring on a free port of 127.0.0.1, with fake upstreams behind it. It needs no Redis,
 * limits no requests, checks no health and ends at once, unless `settings` or `variables` say otherwise.
 *
 * @param root the root module of the application, which imports `GatewayModule`
 * @throws TestGatewayError if the test names an upstream that the application does not have; the error of the boot if it fails
 */
export async function startTestGateway(
  root: RootModule,
  { upstreams = {}, settings = {}, modules = [], waitMs, ...options }: TestGatewayOptions = {},
): Promise<TestGateway> {
  const variables = { ENV: 'test', ...options.variables };
  const declared = upstreamsOf(root, ...(modules as readonly RootModule[]));
  const addresses = settings.proxy?.addresses ?? {};
  const fakes = await FakeUpstreams.start({ declared, options: upstreams, addresses, variables, waitMs });
  try {
    const faked = mergeCode(TABLE, TEST_SETTINGS, { proxy: { addresses: fakes.addresses } });
    const all = mergeCode(TABLE, faked, settings);
    const running = await RunningGateway.start(root, { settings: all, variables, modules, waitMs });
    await checkUpstreams(running, fakes);
    return new TestGateway(running, fakes);
  } catch (error) {
    await fakes[Symbol.asyncDispose]();
    throw error;
  }
}

/** @throws TestGatewayError if an upstream has its real instances: the decorators do not show what comes from a promise */
async function checkUpstreams({ app }: RunningGateway, fakes: FakeUpstreams): Promise<void> {
  const { upstreams } = app.get(UpstreamRegistry, { strict: false });
  const real = upstreams.find(({ name }) => !fakes.covers(name));
  if (!real) return;
  await app.close();
  const advice = 'give its instances by settings or variables';
  throw new TestGatewayError(`The upstream ${real.name} comes from a module that is a promise: ${advice}`);
}

/** A running gateway with fake upstreams behind it. Its end ends them too. */
export class TestGateway implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The Nest application: `app.get(SomeProvider)`. */
  readonly app: RunningGateway['app'];

  /** Use `startTestGateway`. */
  constructor(
    private readonly running: RunningGateway,
    private readonly fakes: FakeUpstreams,
  ) {
    ({ url: this.url, port: this.port, app: this.app } = running);
  }

  /** All log lines so far. */
  get logs(): readonly LogLine[] {
    return this.running.logs;
  }

  /** Resolves with the first log line, past or future, that has all these fields. @throws TestGatewayError if none comes */
  logged(fields: LogLine): Promise<LogLine> {
    return this.running.logged(fields);
  }

  /** The fake upstream behind an upstream. @throws TestGatewayError if the application has no such upstream */
  upstream(name: string): FakeUpstream {
    return this.fakes.get(name);
  }

  /**
   * A token that this gateway accepts: of a new user, valid for 15 minutes, with the key, audience, issuer and names of claims of
   * its settings. An expired one: `signToken({ exp: 0 })`.
   *
   * @param claims replace the others; an undefined one is left out
   * @param form another key or algorithm, or more fields of the header
   */
  signToken(claims: Claims = {}, form: TestTokenOptions = {}): string {
    const { auth } = this.settings;
    return signJwt(accessClaims(auth, claims), { secret: auth.secret, ...form });
  }

  /** The header with a token of `signToken`. */
  bearer(claims: Claims = {}, form: TestTokenOptions = {}): { Authorization: string } {
    return { Authorization: `Bearer ${this.signToken(claims, form)}` };
  }

  /**
   * Revokes a token and its session in the memory of this gateway, as a logout does: requests with it get 401, its WebSockets are
   * closed and its responses in flight end. No Redis is needed, and no other gateway learns of it.
   */
  revoke(token: string): void {
    const { claims: names } = this.settings.auth;
    const claims = claimsOf(token);
    this.revocations.revokePrincipal({
      tokenId: String(claims[names.tokenId]),
      sessionId: claims[names.sessionId] as string | undefined,
      expiresAt: Number(claims['exp']),
    });
  }

  /** Revokes all tokens of a session, as `revoke` does. */
  revokeSession(sessionId: string): void {
    this.revocations.revoke(sessionId, Infinity, 'session');
  }

  /**
   * Opens a WebSocket to this gateway.
   *
   * @param path path and query
   * @param options the headers have a valid token unless they are given
   * @throws HandshakeRefusedError with status and body
   */
  openWebSocket(path: string, options: WebSocketOptions = {}): Promise<WebSocketClient> {
    return openWebSocket(this.url + path, { headers: this.bearer(), ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running[Symbol.asyncDispose]();
    await this.fakes[Symbol.asyncDispose]();
  }

  private get settings(): Settings {
    return this.app.get<Settings>(SETTINGS);
  }

  private get revocations(): RevocationStore {
    return this.app.get(RevocationStore, { strict: false });
  }
}
