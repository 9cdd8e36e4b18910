import { startTestGateway, type TestGateway } from '@app/testing';
import { ShopModule } from './shop.module.js';

const start = (responds: object = {}): Promise<TestGateway> =>
  startTestGateway(ShopModule, { upstreams: { shop: { response: { body: { ok: true } } } }, ...responds });

describe('startTestGateway', () => {
  it('runs the application with fake upstreams behind it, which record requests', async () => {
    await using gateway = await start();

    const response = await fetch(`${gateway.url}/items?page=2`, { headers: { 'X-Kind': 'a' } });

    expect([response.status, await response.json()]).toEqual([200, { ok: true }]);
    const [request] = await gateway.upstream('shop').received(1);
    expect(request).toMatchObject({ method: 'GET', path: '/items?page=2', isComplete: true, instance: 0 });
    expect(request!.rawHeaders).toContainEqual(['X-Kind', 'a']);
    expect(await gateway.logged({ message: 'request', status: 200 })).toMatchObject({ path: '/items' });
  });
});
