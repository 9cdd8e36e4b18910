import { HealthCheck } from './health-check.js';
import type { HealthOptions } from './instance-health.js';
import type { InstanceOptions } from './instance.js';
import { LeastRequestBalancer } from './least-request.balancer.js';
import { UpstreamInstances, type InstanceChange } from './upstream-instances.js';
import { UpstreamTls } from '../transport/upstream-tls.js';

const OPTIONS: InstanceOptions = {
  connectTimeoutMs: 100,
  maxConnections: 1,
  maxPending: 99,
  keepAliveMs: 4_000,
  headerLimitBytes: 16_384,
};

const HEALTH: HealthOptions = {
  failuresToEject: 1,
  ejectionMs: 1_000,
  longestEjectionMs: 1_000,
  checksToFall: 1,
  checksToRise: 1,
  slowStartMs: 1_000,
};

function createSet(count: number) {
  const changes: InstanceChange[] = [];
  const tls = new UpstreamTls({}, 1_000, () => {});
  const set = new UpstreamInstances(
    { connections: OPTIONS, health: HEALTH, loadBalancer: new LeastRequestBalancer() },
    tls,
    (change) => changes.push(change),
  );
  set.setOrigins(
    Array.from({ length: count }, (_, each) => `http://127.0.0.1:${each + 1}`),
    0,
  );
  return { set, changes, [Symbol.dispose]: () => set.destroy() };
}

describe('a set of instances', () => {
  it('gives the next request to one with fewer on their way', () => {
    using system = createSet(2);
    const { set } = system;
    for (let each = 0; each < 100; each++) set.pick([], 0)!.activeRequests++;

    expect(set.all.map(({ activeRequests }) => activeRequests)).toEqual([50, 50]);
  });

  it('leaves out those that were tried, and says when there is none left', () => {
    using system = createSet(2);
    const { set } = system;
    const [one, two] = [...set.all];

    expect(set.pick([one!], 0)).toBe(two);
    expect(set.pick([one!, two!], 0)).toBeUndefined();
  });

  it('leaves out those without room', () => {
    using system = createSet(2);
    const { set } = system;
    const [one, two] = [...set.all];
    one!.activeRequests = 100;

    for (let each = 0; each < 20; each++) expect(set.pick([], 0)).toBe(two);
    two!.activeRequests = 100;
    expect(set.pick([], 0)).toBeUndefined();
  });

  it('does not go to one that is ejected because the others are busy', () => {
    using system = createSet(2);
    const { set } = system;
    const [one, two] = [...set.all];
    one!.health.failed('connect', 0);
    two!.activeRequests = 100;

    expect(set.pick([], 0)).toBeUndefined();
  });

  it('asks one that is ejected where all others were tried', () => {
    using system = createSet(2);
    const { set } = system;
    const [one, two] = [...set.all];
    one!.health.failed('connect', 0);

    expect(set.pick([], 0)).toBe(two);
    expect(set.pick([two!], 0)).toBe(one);
  });

  it.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
  ])('of %d ejects at most %d', async (count, most) => {
    using system = createSet(count);
    const { set, changes } = system;

    for (const { health } of set.all) health.failed('reset', 0);

    expect(set.up).toBe(count - most);
    expect(changes).toHaveLength(most);
    for (let each = 0; each < 50; each++) expect(set.pick([], 0)!.health.isUp).toBe(true);
  });

  it('gives one that comes back few requests at first', () => {
    using system = createSet(2);
    const { set } = system;
    const [one, two] = [...set.all];
    one!.health.failed('reset', 0);
    set.tick(1_000);
    two!.activeRequests = 5;
    one!.activeRequests = 1;

    expect(set.pick([], 1_000)).toBe(two);
    expect(set.pick([], 2_000)).toBe(one);
  });

  it('changes with its addresses: who stays keeps its state, who goes finishes its requests', async () => {
    using system = createSet(2);
    const { set } = system;
    const [one, two] = [...set.all];
    two!.activeRequests = 1;

    set.setOrigins(['http://127.0.0.1:1', 'http://127.0.0.1:9'], 0);

    expect(set.all[0]).toBe(one);
    expect(set.all[1]!.origin).toBe('http://127.0.0.1:9');
    expect([one, two, set.all[1]].map((instance) => instance!.isRemoved)).toEqual([false, true, false]);
    expect(set.all[1]!.health.weight(0)).toBeLessThan(1);
    set.tick(0);
    two!.activeRequests = 0;
    set.tick(0);
    await expect(new HealthCheck(two!, '/').run(1_000)).resolves.toBe(false);
  });

  it('without an address has no instance', () => {
    using system = createSet(0);

    expect(system.set.pick([], 0)).toBeUndefined();
  });
});
