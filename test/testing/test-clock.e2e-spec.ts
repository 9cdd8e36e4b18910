import { promisify } from 'node:util';
import { echo, hang, startTestGateway, TestClock } from '@app/testing';
import { ShopModule } from './shop.module.js';

/** Real milliseconds: the time of a test must not depend on how busy the machine is, so bounds are wide. */
const realNow = (): number => Number(process.hrtime.bigint() / 1_000_000n);

describe('TestClock', () => {
  it('lets a request timeout of 30 s pass in milliseconds, over real sockets', async () => {
    using clock = new TestClock();
    await using gateway = await startTestGateway(ShopModule);
    gateway.upstream('shop').respondWith(hang());
    const startedAt = realNow();

    const response = fetch(`${gateway.url}/items`);
    await gateway.upstream('shop').received(1);
    await clock.advance(29_000);
    expect(gateway.logs).not.toContainEqual(expect.objectContaining({ message: 'request' }));
    await clock.advance(1_500);

    expect((await response).status).toBe(504);
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ error_code: 'UPSTREAM_TIMEOUT' });
    expect(realNow() - startedAt).toBeLessThan(10_000);
  });

  it('lets a token expire, and its WebSocket with it', async () => {
    using clock = new TestClock();
    await using gateway = await startTestGateway(ShopModule, { upstreams: { shop: { webSocket: echo } } });
    const headers = gateway.bearer();
    await using client = await gateway.openWebSocket('/chat', { headers });
    client.send('before');
    expect(await client.next()).toBe('before');

    await clock.advance(910_000);

    expect(await client.closed).toMatchObject({ code: 4401 });
    expect((await fetch(`${gateway.url}/orders`, { headers })).status).toBe(401);
    expect((await fetch(`${gateway.url}/orders`, { headers: gateway.bearer() })).status).not.toBe(401);
  });

  it('fires timers in their order, each at its time', async () => {
    using clock = new TestClock();
    const [began, today] = [performance.now(), Date.now()];
    const fired: [string, number][] = [];
    const note = (name: string): void => void fired.push([name, Math.round(performance.now() - began)]);

    setTimeout(note, 300_000, 'last');
    const interval = setInterval(note, 100_000, 'interval');
    setTimeout(() => {
      note('outer');
      setTimeout(note, 1_000, 'inner');
    }, 150_000);
    clearTimeout(setTimeout(note, 10, 'cleared'));
    clearTimeout(+setTimeout(note, 10, 'cleared by its number'));
    const slept = promisify(setTimeout)(250_000, 'value');
    await clock.advance(260_000);
    clearInterval(interval);
    await clock.advance(100_000);

    expect(fired.map(([name]) => name)).toEqual(['interval', 'outer', 'inner', 'interval', 'last']);
    const due = [100_000, 150_000, 151_000, 200_000, 300_000];
    for (const [index, [, at]] of fired.entries()) expect(Math.abs(at - due[index]!)).toBeLessThan(5_000);
    expect(await slept).toBe('value');
    expect(Date.now() - today).toBeGreaterThanOrEqual(360_000);
    expect(new Date().getTime() - today).toBeGreaterThanOrEqual(360_000);
    expect(new Date(5).getTime()).toBe(5);
    expect(new Date()).toBeInstanceOf(Date);
  });

  it('runs as ever between two moves', async () => {
    using clock = new TestClock();
    const before = clock.now;

    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });

    expect(clock.now - before).toBeGreaterThanOrEqual(19);
    await clock.advance(0);
  });

  it('gives timers the methods of those of Node', async () => {
    using clock = new TestClock();
    let count = 0;
    const timer = setTimeout(() => count++, 100_000).unref();

    expect([timer.hasRef(), timer.ref().hasRef()]).toEqual([false, true]);
    await clock.advance(60_000);
    timer.refresh();
    await clock.advance(60_000);
    expect(count).toBe(0);
    await clock.advance(60_000);
    expect(count).toBe(1);
    const other = setTimeout(() => count++, 1_000);
    other.close();
    await clock.advance(2_000);
    expect(count).toBe(1);
  });

  it('puts everything back, and drops timers that are left', async () => {
    const before = { setTimeout, setInterval, clearTimeout, clearInterval, Date };
    let fired = false;
    const clock = new TestClock();
    setTimeout(() => (fired = true), 5);
    const other = (): TestClock => new TestClock();
    expect(other).toThrow('There is a TestClock already, which has not ended');
    const real = before.setTimeout(() => (fired = true), 5);
    clearTimeout(real);
    clock[Symbol.dispose]();
    clock[Symbol.dispose]();

    expect({ setTimeout, setInterval, clearTimeout, clearInterval, Date }).toEqual(before);
    expect(Object.hasOwn(performance, 'now')).toBe(false);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect(fired).toBe(false);
  });
});
