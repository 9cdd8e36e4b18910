import { JWT_SECRET, startGateway } from '../support/gateway.js';
import { appModule, gateway, gatewayBeside, gatewayJson, ProjectFolder } from '../support/command-line.js';
import { describeWithBuild } from '../support/requirements.js';

interface Explanation {
  readonly exception: { readonly status: number; readonly code: string; readonly by: string } | null;
  readonly response: number | null;
  readonly route: { readonly path: string; readonly isWebSocket: boolean; readonly at: string | null } | null;
  readonly gates: readonly { readonly name: string; readonly result: string }[];
  readonly limit: { readonly name: string; readonly perMinute: number; readonly key: string } | null;
  readonly upstream: {
    readonly name: string;
    readonly instances: readonly string[];
    readonly target: string;
    readonly affinity: unknown;
    readonly timeoutsMs: Readonly<Record<string, number>>;
    readonly bodyLimitBytes: number;
  } | null;
  readonly requestHeaders: { readonly added: readonly string[]; readonly removed: readonly string[] } | null;
  readonly responseHeaders: { readonly rules: readonly string[] };
  readonly running?: { readonly readiness: string; readonly series: readonly string[] };
}

const explain = (...args: readonly string[]): Explanation => gatewayJson(['explain', ...args]);

describeWithBuild('gateway explain', () => {
  it('names route, line, gates, limit, upstream and timeouts of a request that passes', () => {
    const { exception, route, gates, limit, upstream } = explain(
      'GET',
      '/v1/messages?page=2',
      '--user',
      'anna',
    );

    expect(exception).toBeNull();
    expect(route).toMatchObject({ path: '/v1/messages', isWebSocket: false });
    expect(route!.at).toMatch(/^apps\/gateway\/src\/upstreams\/chat\.upstream\.ts:\d+$/);
    expect(gates).toEqual(
      ['OriginGate', 'OverloadGate', 'AuthGate', 'RateLimitGate'].map((name) => ({ name, result: 'passed' })),
    );
    expect(limit).toMatchObject({ name: 'MESSAGES', perMinute: 100, key: 'MESSAGES:user:anna' });
    expect(upstream).toMatchObject({
      name: 'chat-service',
      target: '/v1/messages?page=2',
      bodyLimitBytes: 26_214_400,
    });
    expect(upstream!.instances).toEqual(['http://localhost:8082']);
    expect(upstream!.timeoutsMs).toMatchObject({ connect: 2_000, responseHeaders: 30_000, request: 45_000 });
  });

  it('lists the headers that are added and removed, without secrets', () => {
    const args = ['explain', 'GET', '/v1/messages', '--user', 'anna', '--header', 'X-User-Id: 5'];
    const { stdout, status } = gateway([...args, '--client', '192.0.2.7']);

    expect(status).toBe(0);
    expect(stdout).toContain('removes X-User-Id: 5');
    expect(stdout).toContain('adds X-Forwarded-For: 192.0.2.7');
    expect(stdout).not.toContain('Bearer');
  });

  it.each([
    [['GET', '/v1/messages'], 401, 'UNAUTHENTICATED', 'AuthGate'],
    [
      ['GET', '/v1/messages', '--header', 'Origin: http://evil.example'],
      403,
      'ORIGIN_FORBIDDEN',
      'OriginGate',
    ],
    [['GET', '/files%2Fadmin'], 400, 'AMBIGUOUS_PATH', 'ProxyMiddleware'],
    [['GET', '/v1/%2e%2e/admin'], 400, 'AMBIGUOUS_PATH', 'ProxyMiddleware'],
    [['GET', '/none'], 404, 'NOT_FOUND', 'ProxyMiddleware'],
    [['DELETE', '/v1/messages'], 405, 'METHOD_NOT_ALLOWED', 'ProxyMiddleware'],
    [['BREW', '/v1/messages'], 501, 'METHOD_NOT_IMPLEMENTED', 'the parser'],
    [['GET', '/v1/ws/chat', '--user', 'anna'], 426, 'UPGRADE_REQUIRED', 'ProxyMiddleware'],
    [
      ['POST', '/v1/auth/login', '--header', 'Content-Length: 65537'],
      413,
      'BODY_TOO_LARGE',
      'ProxyMiddleware',
    ],
  ])('says of %j that it is refused with %i', (args, status, code, by) => {
    const { exception } = explain(...args);

    expect(exception).toMatchObject({ status, code, by });
    expect(gateway(['explain', ...args])).toMatchObject({ status: 1, stderr: '' });
  });

  it('follows a handshake to its route, and a preflight to the response of the gateway', () => {
    const socket = explain('GET', '/v1/ws/chat', '--user', 'anna', '--header', 'Upgrade: websocket');
    const preflight = explain(
      'OPTIONS',
      '/v1/messages',
      '--header',
      'Origin: http://localhost:3000',
      '--header',
      'Access-Control-Request-Method: GET',
    );

    expect(socket).toMatchObject({ exception: null, route: { isWebSocket: true } });
    expect(preflight).toMatchObject({ exception: null, response: 204 });
  });

  it("shows rewriting, affinity, header rules, and a team's own gate, which it does not run", async () => {
    const upstream = `{ name: 'shop', instances: ['http://shop:81'], gates: [NoGate], affinity: { by: 'client' },
      responseHeaders: { remove: ['Server'] },
      routes: [{ methods: ['GET'], path: '/shop/*rest', strip: '/shop', auth: 'none', requestTimeoutMs: 7000 }] }`;
    const text = `${appModule([upstream])}\n`.replace(
      'export class AppModule {}',
      "class NoGate { check() { throw new Error('it ran'); } }\nexport class AppModule {}",
    );
    await using project = await ProjectFolder.create({
      'dist/app.module.js': text.replace('providers: [', 'providers: [NoGate, '),
    });
    const found = gatewayJson<Explanation>(['explain', 'GET', '/shop/a%20b'], { folder: project.path });

    expect(found.gates.at(-1)).toEqual({ name: 'NoGate', result: 'not run' });
    expect(found.upstream).toMatchObject({ target: '/a%20b', affinity: { by: 'client' } });
    expect(found.upstream!.timeoutsMs).toMatchObject({ request: 7_000, responseHeaders: 7_000 });
    expect(found.responseHeaders.rules).toEqual(['removes Server']);
    expect(found.limit).toMatchObject({ key: 'DEFAULT:address:127.0.0.1' });
  });

  it('adds the state of a running gateway', async () => {
    await using running = await startGateway();
    const args = ['explain', 'GET', '/v1/messages', '--user', 'anna', '--url', running.url, '--json'];
    const { running: state } = JSON.parse(await gatewayBeside(args)) as Explanation;

    expect(state!.readiness).toMatch(/^(?:ok|degraded)$/);
    expect(state!.series).toContainEqual(
      expect.stringMatching(/^upstream_circuit_state\{upstream="chat-service"/),
    );
  });

  it.each([
    [['GET', 'v1'], 'It begins with a slash'],
    [['GET', '/a b'], 'percent-encoded'],
    [['G T', '/'], 'no method'],
    [['GET', '/', '--header', 'nonsense'], "It takes 'Name: value'"],
    [['GET', '/', '--header', 'A: b\r\nC: d'], "It takes 'Name: value'"],
    [['GET', '/', '--client', 'localhost'], 'no IP address'],
    [['GET', '/', '--url', 'ftp://localhost'], 'no http or https URL'],
    [['GET'], "missing required argument 'path'"],
    [['GET', '/', '--url', 'http://127.0.0.1:9'], 'cannot be read'],
  ])('exits with 2 at %j', (args, message) => {
    const { status, stdout, stderr } = gateway(['explain', ...args]);

    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain(JWT_SECRET);
  });
});
