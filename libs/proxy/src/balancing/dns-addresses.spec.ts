import { Resolver } from 'node:dns/promises';
import { DnsServer } from '../../../../test/support/dns.js';
import { DnsAddresses } from './dns-addresses.js';

const REFRESH_MS = 5_000;
const [ONE, OTHER, SIX] = ['http://127.0.0.1:8080', 'http://127.0.0.2:8080', 'http://[::1]:8080'];

describe('DnsAddresses', () => {
  let server: DnsServer;
  let seen: (readonly string[])[];
  let addresses: DnsAddresses;
  let looks: jest.SpyInstance;
  beforeEach(async () => {
    // Timers are played, DNS is real.
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    looks = jest.spyOn(Resolver.prototype, 'resolve4');
    server = await DnsServer.start({ 'web.test': ['127.0.0.1'] });
    seen = [];
    addresses = of('dns://web.test:8080');
  });
  afterEach(async () => {
    addresses.stop();
    await server[Symbol.asyncDispose]();
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  function of(url: string, servers: readonly string[] = [server.address]): DnsAddresses {
    return new DnsAddresses(new URL(url), { servers, refreshMs: REFRESH_MS }, (origins) =>
      seen.push(origins),
    );
  }

  /** The milliseconds until it looks by itself, once it has. */
  async function untilLook(): Promise<number> {
    const [before, since] = [looks.mock.calls.length, performance.now()];
    while (looks.mock.calls.length === before) jest.advanceTimersToNextTimer();
    const waitedMs = performance.now() - since;
    await addresses.start(); // joins the look
    expect(looks).toHaveBeenCalledTimes(before + 1);
    return waitedMs;
  }

  it('finds the addresses of both families, each once, in one order', async () => {
    server.records.set('web.test', ['::1', '127.0.0.2', '127.0.0.1', '2001:db8:0:0::a', '127.0.0.2']);
    await addresses.start();

    expect(seen).toEqual([[ONE, OTHER, 'http://[2001:db8::a]:8080', SIX]]);
    expect(server.questions).toBe(2);
  });

  it('finds a change, and tells of nothing else', async () => {
    server.records.set('web.test', ['127.0.0.1', '127.0.0.2']);
    await addresses.start();
    await untilLook();
    server.records.set('web.test', ['127.0.0.2', '127.0.0.1']);
    await untilLook();
    expect(seen).toEqual([[ONE, OTHER]]);

    server.records.set('web.test', ['::1', '127.0.0.2']);
    await untilLook();
    expect(seen).toEqual([
      [ONE, OTHER],
      [OTHER, SIX],
    ]);
  });

  it.each([
    ['the TTL', 2, 2_000],
    ['refreshMs where the TTL is longer', 60, REFRESH_MS],
  ])('looks again after %s, give or take a tenth', async (_, ttlSeconds, expectedMs) => {
    server.ttlSeconds = ttlSeconds;
    await addresses.start();

    const random = jest.spyOn(Math, 'random');
    for (const [value, factor] of [
      [0, 0.9],
      [0.5, 1],
      [1, 1.1],
    ] as const) {
      random.mockReturnValue(value);
      await untilLook();
      expect(await untilLook()).toBeCloseTo(expectedMs * factor, 0);
    }
  });

  it('obeys the shorter TTL of two families', async () => {
    server.records.set('web.test', ['127.0.0.1', '::1']);
    jest.spyOn(Resolver.prototype, 'resolve6').mockResolvedValue([{ address: '::1', ttl: 1 }] as never);
    await addresses.start();

    expect(await untilLook()).toBeLessThanOrEqual(1_100);
  });

  it('does not look more than twice a second, whatever the TTL', async () => {
    server.ttlSeconds = 0;
    jest.spyOn(Math, 'random').mockReturnValue(0);
    await addresses.start();

    expect(await untilLook()).toBe(500);
  });

  it.each([
    ['SERVFAIL', () => server.be('failing')],
    ['silence', () => server.be('silent')],
    ['NXDOMAIN', () => server.records.delete('web.test')],
    ['no records', () => server.records.set('web.test', [])],
  ])('keeps what it knew at %s, and finds what comes after', async (_, harm) => {
    await addresses.start();
    harm();
    // c-ares has clocks of its own, so silence takes its real time.
    await untilLook();
    expect(seen).toEqual([[ONE]]);

    server.be('answering');
    server.records.set('web.test', ['127.0.0.2']);
    await untilLook();
    expect(seen).toEqual([[ONE], [OTHER]]);
  });

  it('keeps the family that failed, and believes the other', async () => {
    server.records.set('web.test', ['127.0.0.1', '::1']);
    await addresses.start();
    server.be('failing', ['AAAA']);
    server.records.set('web.test', ['127.0.0.2', '::2']);
    await untilLook();

    expect(seen.at(-1)).toEqual([OTHER, SIX]);
  });

  it('has its first look fail in peace, and finds the name once it is there', async () => {
    server.be('failing');
    await addresses.start();
    expect(seen).toEqual([]);

    server.be('answering');
    await untilLook();
    expect(seen).toEqual([[ONE]]);
  });

  it('gives up a look after two seconds, however many servers are silent', async () => {
    await using another = await DnsServer.start();
    server.be('silent');
    another.be('silent');
    addresses = of('dns://web.test:8080', [server.address, another.address]);
    const asked = server.asked();
    const start = addresses.start();
    await asked;
    jest.advanceTimersByTime(2_000);
    await start;

    expect(looks).toHaveBeenCalledTimes(1);
    expect(seen).toEqual([]);
  });

  it('never has two looks at a time', async () => {
    server.be('silent');
    const start = addresses.start();
    const again = addresses.start();
    addresses.refreshSoon();
    jest.advanceTimersByTime(1_000);
    expect(looks).toHaveBeenCalledTimes(1);

    jest.advanceTimersByTime(1_000);
    await Promise.all([start, again]);
    expect(looks).toHaveBeenCalledTimes(1);
  });

  it('looks at once when told to, and at most twice a second', async () => {
    await addresses.start();
    jest.advanceTimersByTime(1_000);
    server.records.set('web.test', ['127.0.0.2']);
    addresses.refreshSoon();
    jest.advanceTimersByTime(0);
    expect(looks).toHaveBeenCalledTimes(2);
    await addresses.start();
    expect(seen).toEqual([[ONE], [OTHER]]);

    for (let ms = 0; ms < 499; ms++) {
      addresses.refreshSoon();
      jest.advanceTimersByTime(1);
    }
    expect(looks).toHaveBeenCalledTimes(2);
    jest.advanceTimersByTime(1);
    expect(looks).toHaveBeenCalledTimes(3);
  });

  it('ends everything when stopped', async () => {
    await addresses.start();
    addresses.stop();
    addresses.refreshSoon();
    await addresses.start();

    expect(jest.getTimerCount()).toBe(0);
    expect(looks).toHaveBeenCalledTimes(1);
  });

  it('ends a look under way when stopped, and tells nothing of it', async () => {
    server.be('silent', ['AAAA']);
    const asked = server.asked();
    const start = addresses.start();
    await asked;
    addresses.stop();
    await start;

    expect(seen).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it("knows the names of the system's files, where no servers are given", async () => {
    addresses = of('dns://localhost:8080', []);
    await addresses.start();

    expect(seen).toHaveLength(1);
    expect(seen[0]).toContain(ONE);
  });

  it('does not ask the system where servers are given', async () => {
    addresses = of('dns://localhost:8080');
    await addresses.start();

    expect(seen).toEqual([]);
  });

  it('keeps no process alive', async () => {
    jest.useRealTimers();
    const timeouts = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timeouts();
    await addresses.start();

    expect(timeouts()).toBe(before);
  });

  it('refuses a server that is no address', () => {
    expect(() => of('dns://web.test:8080', ['resolver.test'])).toThrow(/Invalid IP address/);
  });
});
