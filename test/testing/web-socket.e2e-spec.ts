import {
  echo,
  HandshakeRefusedError,
  openWebSocket,
  startTestGateway,
  type FakeUpstreamOptions,
  type TestGateway,
} from '@app/testing';
import { ShopModule } from './shop.module.js';

const start = (webSocket?: FakeUpstreamOptions['webSocket'], waitMs?: number): Promise<TestGateway> =>
  startTestGateway(ShopModule, {
    ...(waitMs !== undefined && { waitMs }),
    upstreams: { shop: webSocket ? { webSocket } : {} },
  });

const refusalFor = async (opening: Promise<AsyncDisposable>): Promise<HandshakeRefusedError> => {
  const error: unknown = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HandshakeRefusedError);
  return error as HandshakeRefusedError;
};

describe('a WebSocket client', () => {
  it('sends messages, gets them one after another, and closes', async () => {
    await using gateway = await start(echo);
    const headers = gateway.bearer({ tenant: undefined });
    await using client = await gateway.openWebSocket('/chat?room=7', { headers });

    client.send('one');
    client.send(Buffer.from('two'));

    expect(await client.next()).toBe('one');
    expect(await client.next()).toEqual(Buffer.from('two'));
    expect(await client.received(2)).toEqual(['one', Buffer.from('two')]);
    const upstream = await gateway.upstream('shop').socket();
    expect(upstream.messages).toEqual(['one', Buffer.from('two')]);
    expect(upstream.request).toMatchObject({ method: 'GET', path: '/chat?room=7' });
    expect(await client.close(4000, 'done')).toEqual({ code: 4000, reason: 'done' });
    expect(await upstream.closed).toEqual({ code: 4000, reason: 'done' });
  });

  it('gets what the fake upstream sends first, its close, and the subprotocol', async () => {
    await using gateway = await start((socket) => {
      socket.send('hello');
      void socket.close(4100, 'bye');
    });
    await using client = await gateway.openWebSocket('/chat', { protocols: ['v2', 'v1'] });

    expect(client.protocol).toBe('v2');
    expect(await client.next()).toBe('hello');
    expect(await client.closed).toEqual({ code: 4100, reason: 'bye' });
    await expect(client.next()).rejects.toThrow('The WebSocket closed first, after 1 messages');
  });

  it('sees an end without a close frame', async () => {
    await using gateway = await start((socket) => socket.terminate());
    await using client = await gateway.openWebSocket('/chat');

    expect((await client.closed).code).not.toBe(1000);
  });

  it('says that no message came', async () => {
    await using gateway = await start(() => {}, 50);
    await using client = await gateway.openWebSocket('/chat', { waitMs: 50 });

    await expect(client.next()).rejects.toThrow('In 50 ms the WebSocket got only 0 messages');
    await expect(gateway.upstream('shop').socket(1)).rejects.toThrow(
      'In 50 ms shop got 1 WebSockets; the test waits for number 1',
    );
  });

  it('is refused by the gateway with status and body', async () => {
    await using gateway = await start(echo);

    const error = await refusalFor(gateway.openWebSocket('/chat', { headers: {} }));

    expect(error).toMatchObject({
      status: 401,
      headers: { 'content-type': expect.stringContaining('json') },
    });
    expect(JSON.parse(error.body)).toMatchObject({ error: 'Authorization header required' });
    expect(error.message).toBe(`The handshake was refused with 401: ${error.body}`);
    await expect(openWebSocket('ws://127.0.0.1:9/')).rejects.toThrow('ECONNREFUSED');
  });

  it('is refused by the fake upstream, as the test says', async () => {
    await using gateway = await start();
    const shop = gateway.upstream('shop');

    const missing = await refusalFor(gateway.openWebSocket('/chat'));
    shop.acceptWith({ status: 403, body: { error: 'full' } });
    const refused = await refusalFor(gateway.openWebSocket('/chat'));
    shop.acceptWith(echo);
    await using client = await gateway.openWebSocket('/chat');
    client.send('now');

    expect(missing.status).toBe(501);
    expect(refused.status).toBe(403);
    expect(await client.next()).toBe('now');
  });
});
