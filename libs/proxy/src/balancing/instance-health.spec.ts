import { InstanceHealth, type HealthOptions } from './instance-health.js';

const OPTIONS: HealthOptions = {
  failuresToEject: 3,
  ejectionMs: 1_000,
  longestEjectionMs: 3_000,
  checksToFall: 2,
  checksToRise: 2,
  slowStartMs: 10_000,
};

function createHealth({ mayLeave = true }: { mayLeave?: boolean } = {}) {
  const changes: string[] = [];
  const health = new InstanceHealth(
    OPTIONS,
    () => mayLeave,
    (state, fault) => changes.push(`${state} ${fault ?? ''}`.trim()),
  );
  const fail = (times: number, now = 0): void => {
    for (let each = 0; each < times; each++) health.failed('connect', now);
  };
  return { health, changes, fail };
}

describe('the health of an instance', () => {
  it('is lost with so many failures in a row, and no fewer', () => {
    const { health, changes, fail } = createHealth();

    fail(2);
    health.succeeded(0);
    fail(2);
    expect(health.isUp).toBe(true);
    fail(1);

    expect(health.state).toBe('ejected');
    expect(changes).toEqual(['ejected connect']);
  });

  it('comes back after a time that doubles up to a bound, until a request succeeds', () => {
    const { health, fail } = createHealth();
    const ejectedFor = (from: number): number => {
      fail(3, from);
      let now = from;
      while (!health.isUp) health.tick((now += 500));
      return now - from;
    };

    expect([ejectedFor(0), ejectedFor(10_000), ejectedFor(20_000), ejectedFor(30_000)]).toEqual([
      1_000, 2_000, 3_000, 3_000,
    ]);
    health.succeeded(0);
    expect(ejectedFor(50_000)).toBe(1_000);
  });

  it('is not lost where the others cannot do without it, though it is not well', () => {
    const { health, changes, fail } = createHealth({ mayLeave: false });

    fail(10);
    for (let each = 0; each < 5; each++) health.checked(false, 0);

    expect([health.isUp, health.isHealthy, changes]).toEqual([true, false, []]);
  });

  it('is lost with failed checks, and comes back with passed ones', () => {
    const { health, changes } = createHealth();

    for (const passed of [false, true, false, false, true, false, true, true]) health.checked(passed, 0);

    expect(changes).toEqual(['down check', 'up']);
    expect(health.isHealthy).toBe(true);
  });

  it('comes back from an ejection by time though checks pass, and by checks alone once they failed', () => {
    const { health, fail } = createHealth();
    const check = (passed: boolean): void => {
      for (let each = 0; each < 2; each++) health.checked(passed, 10);
    };
    check(true);
    fail(3, 0);
    check(true);
    expect(health.state).toBe('ejected');

    check(false);
    health.tick(1_000_000);
    expect(health.state).toBe('down');
    check(true);
    expect(health.state).toBe('up');
  });

  it('comes back with a request that it answers, as the last that was left to ask', () => {
    const { health, changes, fail } = createHealth();
    fail(3);

    health.succeeded(10);

    expect(changes).toEqual(['ejected connect', 'up']);
  });

  it('that came back begins with a small share and grows to a full one', () => {
    const { health, fail } = createHealth();
    expect(health.weight(0)).toBe(1);
    fail(3, 0);
    health.tick(1_000);

    expect([1_000, 2_000, 6_000, 11_000, 99_000].map((now) => health.weight(now))).toEqual([
      0.1, 0.1, 0.5, 1, 1,
    ]);
  });
});
