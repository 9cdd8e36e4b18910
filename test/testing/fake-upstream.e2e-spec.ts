import {
  delayed,
  eventStream,
  FakeUpstream,
  hang,
  reset,
  shortBody,
  startTestGateway,
  type TestGateway,
} from '@app/testing';
import { ShopModule } from './shop.module.js';

const start = (options: object = {}): Promise<TestGateway> => startTestGateway(ShopModule, options);

/** Without retries, which would hide a fault. */
const startOnce = (): Promise<TestGateway> => start({ settings: { proxy: { retries: { maxRetries: 0 } } } });

const outcomeOf = async (url: string, init: RequestInit = {}): Promise<unknown[]> => {
  const response = await fetch(url, init);
  return [response.status, await response.text().catch(() => 'broken off')];
};

describe('a fake upstream', () => {
  it('records requests as they were sent, with their bodies', async () => {
    await using gateway = await start({ upstreams: { shop: { response: { status: 201 } } } });
    const headers = { ...gateway.bearer(), 'X-Order': 'One', 'Content-Type': 'application/json' };

    await fetch(`${gateway.url}/orders?a=%20b`, { method: 'POST', headers, body: '{"item":7}' });

    const [order] = await gateway.upstream('shop').received(1);
    expect(order).toMatchObject({
      method: 'POST',
      path: '/orders?a=%20b',
      text: '{"item":7}',
      isComplete: true,
    });
    expect(order!.json()).toEqual({ item: 7 });
    expect(order!.rawHeaders).toContainEqual(['X-Order', 'One']);
    expect(order!.body).toEqual(Buffer.from('{"item":7}'));
  });

  it('responds as the test says: by an object, a text, bytes, a handler, by Node itself, once', async () => {
    await using gateway = await start();
    const shop = gateway.upstream('shop');
    const ask = (): Promise<unknown[]> => outcomeOf(`${gateway.url}/items`);

    shop.respondWith({ status: 404, body: { error: 'none' } });
    shop.respondOnceWith({ body: 'text' });
    shop.respondOnceWith({ body: Buffer.from('bytes'), headers: { 'X-Kind': 'b' } });
    shop.respondOnceWith(({ path }) => ({ body: `handled ${path}` }));
    shop.respondOnceWith((_request, response) => void response.writeHead(202).end('by Node'));

    expect(await ask()).toEqual([200, 'text']);
    expect(await ask()).toEqual([200, 'bytes']);
    expect(await ask()).toEqual([200, 'handled /items']);
    expect(await ask()).toEqual([202, 'by Node']);
    expect(await ask()).toEqual([404, '{"error":"none"}']);
  });

  it('says that it got no response to give, and that a handler failed', async () => {
    await using gateway = await start();

    expect(await outcomeOf(`${gateway.url}/items`)).toEqual([
      501,
      'The fake upstream shop got GET /items, and the test gave it no response',
    ]);
    gateway.upstream('shop').respondWith(() => {
      throw new Error('wrong item');
    });
    expect(await outcomeOf(`${gateway.url}/items`)).toEqual([
      500,
      'The handler of the fake upstream shop failed: Error: wrong item',
    ]);
  });

  it('has several instances, each with its own requests', async () => {
    await using gateway = await start({ upstreams: { shop: { instances: 3, response: { body: 'ok' } } } });
    const shop = gateway.upstream('shop');

    await Promise.all(Array.from({ length: 60 }, () => outcomeOf(`${gateway.url}/items`)));

    expect(new Set(shop.urls).size).toBe(3);
    expect(new Set(shop.requests.map(({ instance }) => instance))).toEqual(new Set([0, 1, 2]));
  });

  it('waits for requests, and says how many there were', async () => {
    await using gateway = await start({ upstreams: { shop: { response: {} } }, waitMs: 50 });
    await outcomeOf(`${gateway.url}/items`);

    await expect(gateway.upstream('shop').received(2)).rejects.toThrow(
      'In 50 ms shop got 1 requests; the test waits for 2',
    );
  });

  it('runs without a gateway', async () => {
    await using upstream = await FakeUpstream.start({ name: 'alone', response: { body: 'alone' } });

    expect(await outcomeOf(upstream.urls[0]!)).toEqual([200, 'alone']);
    expect(upstream.requests).toHaveLength(1);
  });
});

describe('a fault of a fake upstream', () => {
  it.each([
    [
      'a reset at the head of a request',
      reset('request'),
      [502, expect.stringContaining('Service unavailable')],
    ],
    [
      'a reset before the head of a response',
      reset('head'),
      [502, expect.stringContaining('Service unavailable')],
    ],
    ['a reset within the body of a response', reset('body'), [200, 'broken off']],
    ['a body shorter than its length', shortBody(), [200, 'broken off']],
  ])('%s reaches the gateway', async (_name, handler, outcome) => {
    await using gateway = await startOnce();
    gateway.upstream('shop').respondWith(handler);

    expect(await outcomeOf(`${gateway.url}/items`)).toEqual(outcome);
  });

  it('resets a request before its body has come', async () => {
    await using gateway = await startOnce();
    gateway.upstream('shop').respondWith(reset('request'));
    const { readable, writable } = new TransformStream<Uint8Array>();
    const writer = writable.getWriter();
    void writer.write(new Uint8Array(100_000)).catch(() => {});
    const init = { method: 'POST', headers: gateway.bearer(), body: readable, duplex: 'half' } as RequestInit;

    expect(await outcomeOf(`${gateway.url}/orders`, init)).toEqual([502, expect.any(String)]);
    expect(gateway.upstream('shop').requests[0]).toMatchObject({ isComplete: false, text: '' });
  });

  it('is a connection that is refused, until the instance accepts again', async () => {
    await using gateway = await startOnce();
    const shop = gateway.upstream('shop');
    shop.respondWith({ body: 'back' });
    const [instance] = shop.instances;

    await instance!.refuse();
    expect(await outcomeOf(`${gateway.url}/items`)).toEqual([
      502,
      expect.stringContaining('Service unavailable'),
    ]);
    await instance!.accept();
    expect(await outcomeOf(`${gateway.url}/items`)).toEqual([200, 'back']);
  });

  it('is a response that waits until it is released', async () => {
    await using gateway = await start();
    const late = delayed({ body: 'late' });
    gateway.upstream('shop').respondWith(late);
    const outcomes: unknown[] = [];

    const outcome = outcomeOf(`${gateway.url}/items`).then((each) => outcomes.push(each));
    await gateway.upstream('shop').received(1);
    expect(outcomes).toEqual([]);
    late.release();
    await outcome;
    expect(outcomes).toEqual([[200, 'late']]);
    expect(await outcomeOf(`${gateway.url}/items`)).toEqual([200, 'late']);
  });

  it('is silence, which a short timeout ends', async () => {
    const proxy = {
      connections: { connectTimeoutMs: 100 },
      responseHeadersTimeoutMs: 200,
      requestTimeoutMs: 300,
    };
    await using gateway = await start({ settings: { proxy: { ...proxy, retries: { maxRetries: 0 } } } });
    gateway.upstream('shop').respondWith(hang());

    expect(await outcomeOf(`${gateway.url}/items`)).toEqual([504, expect.stringContaining('timed out')]);
  });

  it('is a reset of all its connections', async () => {
    await using gateway = await startOnce();
    const shop = gateway.upstream('shop');
    shop.respondWith(hang());

    const outcome = outcomeOf(`${gateway.url}/items`);
    await shop.received(1);
    expect(shop.instances[0]!.connections).toBe(1);
    shop.instances[0]!.resetConnections();
    expect(await outcome).toEqual([502, expect.any(String)]);
  });
});

describe('an event stream of a fake upstream', () => {
  it('has the events that the test sends, and ends or breaks', async () => {
    await using gateway = await start();
    const events = eventStream();
    gateway.upstream('shop').respondWith(events);
    const read = async (): Promise<unknown[]> => {
      const response = await fetch(`${gateway.url}/prices`);
      return [response.headers.get('Content-Type'), await response.text().catch(() => 'broken off')];
    };

    const first = read();
    await events.untilOpened(1);
    events.send({ id: '1', event: 'price', data: { item: 7 } });
    events.send({ data: 'plain' });
    events.end();
    const second = read();
    await events.untilOpened(2);
    events.break();

    expect(await first).toEqual([
      'text/event-stream',
      'id: 1\nevent: price\ndata: {"item":7}\n\ndata: plain\n\n',
    ]);
    expect(await second).toEqual(['text/event-stream', 'broken off']);
    expect(events.opened).toBe(2);
  });
});
