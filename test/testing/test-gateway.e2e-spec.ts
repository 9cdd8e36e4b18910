import { GatewayModule, Upstream } from '@app/gateway';
import { echo, signJwt, startTestGateway, TestGatewayError, type TestGateway } from '@app/testing';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { startService } from '../support/service.js';
import { ShopModule } from './shop.module.js';

const OK = { body: { ok: true } };

const start = (): Promise<TestGateway> =>
  startTestGateway(ShopModule, { upstreams: { shop: { response: OK } } });

/** A module with one upstream of this name, beside the application. */
function moduleWith(name: string): Type {
  @Upstream({ name, routes: [{ methods: ['GET'], path: `/${name}`, auth: 'none' }] })
  class OtherUpstream {}
  @Module({ providers: [OtherUpstream] })
  class OtherModule {}
  return OtherModule;
}

describe('startTestGateway', () => {
  it('runs the application with fake upstreams behind it, which record requests', async () => {
    await using gateway = await start();

    const response = await fetch(`${gateway.url}/items?page=2`, { headers: { 'X-Kind': 'a' } });

    expect([response.status, await response.json()]).toEqual([200, { ok: true }]);
    const [request] = await gateway.upstream('shop').received(1);
    expect(request).toMatchObject({ method: 'GET', path: '/items?page=2', isComplete: true, instance: 0 });
    expect(request!.headers).toMatchObject({ 'x-kind': 'a' });
  });

  it('gives an optional upstream a fake one if the test names it', async () => {
    await using without = await start();
    await using gateway = await startTestGateway(ShopModule, { upstreams: { extra: { response: OK } } });

    expect((await fetch(`${without.url}/extra`)).status).toBe(404);
    expect((await fetch(`${gateway.url}/extra`)).status).toBe(200);
  });

  it('takes modules, settings of the code and variables, which win', async () => {
    await using service = await startService((_request, response) => response.end('real'));
    await using gateway = await startTestGateway(ShopModule, {
      modules: [moduleWith('other')],
      settings: { title: 'Test', auth: { claims: { userId: 'who' } }, proxy: { bodyLimitBytes: 1 } },
      variables: { MAX_REQUEST_BODY_BYTES: '3', SHOP_SERVICE_URL: service.url },
      upstreams: { other: { response: { body: 'fake' } } },
    });
    const post = async (body: string): Promise<number> => {
      const headers = { ...gateway.bearer({ tenant: 'a' }), 'X-Tenant': 'a' };
      return (await fetch(`${gateway.url}/orders`, { method: 'POST', headers, body })).status;
    };

    expect(await (await fetch(`${gateway.url}/swagger`)).json()).toMatchObject({ info: { title: 'Test' } });
    expect([await post('abc'), await post('abcd')]).toEqual([200, 413]);
    expect(await (await fetch(`${gateway.url}/other`)).text()).toBe('fake');
    expect(await (await fetch(`${gateway.url}/items`)).text()).toBe('real');
  });

  it('counts limits, and checks health, if the test says so', async () => {
    await using gateway = await startTestGateway(ShopModule, {
      settings: { rateLimit: { isOn: true, perMinute: { DEFAULT: 1 } } },
      upstreams: { shop: { response: OK } },
    });
    await using checked = await startTestGateway(ShopModule, {
      variables: { HEALTH_CHECK_INTERVAL_MS: '10' },
      upstreams: { shop: { instances: 2 } },
    });
    const statusOf = async (): Promise<number> => (await fetch(`${gateway.url}/items`)).status;

    expect([await statusOf(), await statusOf()]).toEqual([200, 429]);
    const [, second] = checked.upstream('shop').instances;
    second!.isHealthy = false;
    await checked.logged({ message: 'instance down', upstream: 'shop', instance: second!.url });
    expect(checked.upstream('shop').requests).toEqual([]);
  });

  it('ends what it has started', async () => {
    const gateway = await start();
    const { url } = gateway;
    const [service] = gateway.upstream('shop').urls;
    await gateway[Symbol.asyncDispose]();

    await expect(fetch(url)).rejects.toThrow('fetch failed');
    await expect(fetch(service!)).rejects.toThrow('fetch failed');
  });
});

describe('its log', () => {
  it('has every line, and waits for one that has the fields', async () => {
    await using gateway = await start();

    const line = gateway.logged({ message: 'request', path: '/items' });
    await fetch(`${gateway.url}/items`);

    expect(await line).toMatchObject({ status: 200, upstream: 'shop' });
    expect(gateway.logs).toContainEqual(
      expect.objectContaining({ message: 'listening', port: gateway.port }),
    );
  });

  it('says which lines there were if none comes in time', async () => {
    await using gateway = await startTestGateway(ShopModule, { waitMs: 50 });

    await expect(gateway.logged({ message: 'nothing' })).rejects.toThrow(
      /In 50 ms no log line had \{"message":"nothing"\}; the messages were \[.*"listening"/,
    );
  });
});

describe('its tokens', () => {
  const ask = (gateway: TestGateway, token: string, tenant = 'a'): Promise<Response> =>
    fetch(`${gateway.url}/orders`, { headers: { Authorization: `Bearer ${token}`, 'X-Tenant': tenant } });

  it('fit the settings of the application, its gates too', async () => {
    await using gateway = await start();
    const token = gateway.signToken({ tenant: 'a', uid: 'ada' });

    expect((await ask(gateway, token)).status).toBe(200);
    expect((await ask(gateway, token, 'b')).status).toBe(403);
    expect((await fetch(`${gateway.url}/orders`)).status).toBe(401);
  });

  it.each([
    ['has expired', (gateway: TestGateway) => gateway.signToken({ exp: 1 })],
    ['has no role', (gateway: TestGateway) => gateway.signToken({ role: undefined })],
    ['has another audience', (gateway: TestGateway) => gateway.signToken({ aud: 'other' })],
    ['has another key', (gateway: TestGateway) => gateway.signToken({}, { secret: 'x'.repeat(32) })],
    ['has no signature', (gateway: TestGateway) => gateway.signToken({}, { alg: 'none' })],
    ['has a critical header', (gateway: TestGateway) => gateway.signToken({}, { header: { crit: ['x'] } })],
    ['is of nobody', () => signJwt({}, { secret: 'x'.repeat(32) })],
  ])('are refused if one %s', async (_name, sign) => {
    await using gateway = await start();

    expect((await ask(gateway, sign(gateway))).status).toBe(401);
    expect(gateway.upstream('shop').requests).toEqual([]);
  });

  it('are revoked without Redis: requests and WebSockets end, also those of a session', async () => {
    await using gateway = await startTestGateway(ShopModule, {
      upstreams: { shop: { response: OK, webSocket: echo } },
    });
    const [token, other] = [{}, { sid: 's1' }].map((claims) => gateway.signToken({ tenant: 'a', ...claims }));
    const headers = { Authorization: `Bearer ${token}`, 'X-Tenant': 'a' };
    await using socket = await gateway.openWebSocket('/chat', { headers });
    expect([(await ask(gateway, token!)).status, (await ask(gateway, other!)).status]).toEqual([200, 200]);

    gateway.revoke(token!);
    gateway.revokeSession('s1');

    expect(await socket.closed).toMatchObject({ code: 4403 });
    expect([(await ask(gateway, token!)).status, (await ask(gateway, other!)).status]).toEqual([401, 401]);
  });
});

describe('a mistake in a test', () => {
  const startWith = (
    options: Parameters<typeof startTestGateway>[1],
    root: Type | DynamicModule = ShopModule,
  ) => startTestGateway(root, options);

  it('names the upstreams that there are', async () => {
    await expect(startWith({ upstreams: { shp: {} } })).rejects.toThrow(
      new TestGatewayError('The application has no upstream shp that a test can fake: it has shop, extra'),
    );
    await using gateway = await start();
    expect(() => gateway.upstream('extra')).toThrow('no upstream extra that a test can fake: it has shop');
  });

  it('is an upstream with a fake one and instances', async () => {
    const variables = { SHOP_SERVICE_URL: 'http://127.0.0.1:9' };

    await expect(startWith({ upstreams: { shop: {} }, variables })).rejects.toThrow(
      'The test gives shop both instances and a fake upstream',
    );
  });

  it('is the error of the boot', async () => {
    await expect(startWith({ variables: { MAX_RETRIES: 'many' } })).rejects.toThrow('MAX_RETRIES is "many"');
    await expect(startWith({ modules: [moduleWith('shop-service')] })).rejects.toThrow(
      'Two upstreams have one name: shop and shop-service',
    );
  });

  it('is an upstream of a module that no decorator shows', async () => {
    @Module({ imports: [GatewayModule.forRoot(), Promise.resolve({ module: moduleWith('late') })] })
    class LateModule {}

    await expect(startWith({}, LateModule)).rejects.toThrow('late has no instance');
    const settings = { proxy: { addresses: { late: ['http://127.0.0.1:9'] } } };
    await using gateway = await startWith({ settings }, LateModule);
    expect((await fetch(`${gateway.url}/late`)).status).toBe(502);
  });
});
