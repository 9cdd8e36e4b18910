import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { echo, startTestGateway } from '@secureconnect/gateway/testing';
import { AppModule } from '../app.module.js';

/** The gateway as it runs, with a fake orders service behind it. */
const start = () =>
  startTestGateway(AppModule, {
    upstreams: { orders: { response: { body: { id: '7' } }, webSocket: echo } },
  });

describe('orders', () => {
  it('come with the user of the token', async () => {
    await using gateway = await start();
    const headers = { ...gateway.bearer({ sub: 'ada', role: 'customer' }), 'X-User-Id': 'mallory' };

    const response = await fetch(`${gateway.url}/orders/7`, { headers });

    assert.deepEqual(await response.json(), { id: '7' });
    const [request] = gateway.upstream('orders').requests;
    assert.equal(request?.headers['x-user-id'], 'ada');
  });

  it('are refused without a token', async () => {
    await using gateway = await start();

    const response = await fetch(`${gateway.url}/orders`);

    assert.equal(response.status, 401);
    assert.equal(gateway.upstream('orders').requests.length, 0);
  });

  it('are deleted by administrators alone', async () => {
    await using gateway = await start();
    const remove = (role: string) =>
      fetch(`${gateway.url}/orders/7`, { method: 'DELETE', headers: gateway.bearer({ role }) });

    assert.equal((await remove('customer')).status, 403);
    assert.equal((await remove('admin')).status, 200);
  });

  it('are shown live over a WebSocket', async () => {
    await using gateway = await start();
    await using socket = await gateway.openWebSocket('/orders/live');

    socket.send('hello');

    assert.equal(await socket.next(), 'hello');
  });
});
