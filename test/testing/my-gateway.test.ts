import assert from 'node:assert/strict';
import { test } from 'node:test';
import { echo, hang, startTestGateway, TestClock } from '@app/testing';
import { AppModule } from './my-gateway.js';

test('the gate lets a user of the tenant pass, and no other', async () => {
  await using gateway = await startTestGateway(AppModule, {
    upstreams: { shop: { response: { body: [{ id: 7 }] } } },
  });
  const ask = (tenant: string) => {
    const headers = { ...gateway.bearer({ tenant: 'acme' }), 'X-Tenant': tenant };
    return fetch(`${gateway.url}/orders?page=2`, { headers });
  };

  const [own, other] = [await ask('acme'), await ask('globex')];

  assert.deepEqual([own.status, await own.json()], [200, [{ id: 7 }]]);
  assert.equal(other.status, 403);
  const requests = await gateway.upstream('shop').received(1);
  assert.deepEqual(
    requests.map(({ path }) => path),
    ['/orders?page=2'],
  );
  await gateway.logged({ message: 'request', status: 403 });
});

test('a chat is open until its token is revoked', async () => {
  await using gateway = await startTestGateway(AppModule, { upstreams: { shop: { webSocket: echo } } });
  const token = gateway.signToken({ tenant: 'acme' });
  const headers = { Authorization: `Bearer ${token}`, 'X-Tenant': 'acme' };
  await using chat = await gateway.openWebSocket('/chat', { headers });

  chat.send('hello');
  assert.equal(await chat.next(), 'hello');
  gateway.revoke(token);

  assert.equal((await chat.closed).code, 4403);
  await assert.rejects(gateway.openWebSocket('/chat', { headers }), { status: 401 });
});

test('a shop that hangs is 504 after 30 s, which take milliseconds', async () => {
  using clock = new TestClock();
  await using gateway = await startTestGateway(AppModule, { upstreams: { shop: { response: hang() } } });
  const headers = { ...gateway.bearer({ tenant: 'acme' }), 'X-Tenant': 'acme' };

  const response = fetch(`${gateway.url}/orders`, { headers });
  await gateway.upstream('shop').received(1);
  await clock.advance(30_500);

  assert.equal((await response).status, 504);
});
