import { randomFraction } from '../http/random.js';
import type { Ticking } from '../http/ticker.js';
import { Instance, type InstanceOptions } from './instance.js';
import {
  InstanceHealth,
  type HealthOptions,
  type FailureKind,
  type InstanceState,
} from './instance-health.js';
import type { UpstreamTls } from '../transport/upstream-tls.js';

/** A change of an instance's state, for logs and figures. */
export interface InstanceChange {
  readonly origin: string;
  readonly state: InstanceState;
  readonly fault: FailureKind | undefined;
}

/**
 * The instances of an upstream, and the choice among them: of two at random that are up, the one with fewer requests on
 * their way takes the next, so that a slow one gets less, and nobody has to be asked for it.
 */
export class LoadBalancer implements Ticking {
  slot = -1;
  private current: Instance[] = [];
  private readonly removed = new Set<Instance>();
  /** Members that are not up. */
  private unavailable = 0;

  /** @param onChange hears of each change of a member's state */
  constructor(
    private readonly options: InstanceOptions,
    private readonly health: HealthOptions,
    private readonly tls: UpstreamTls,
    private readonly onChange: (change: InstanceChange) => void,
  ) {}

  get all(): readonly Instance[] {
    return this.current;
  }

  /** How many are up. */
  get up(): number {
    return this.current.length - this.unavailable;
  }

  /** Requests that wait for a connection. */
  get pending(): number {
    return this.current.reduce((sum, instance) => sum + instance.stats().pending, 0);
  }

  /**
   * Makes these the members, whoever was before. A new one begins slowly beside others; one that is not named any more
   * gets no new requests, and goes with its last.
   */
  setOrigins(origins: readonly string[], now: number): void {
    const known = new Map(this.current.map((instance) => [instance.origin, instance]));
    const isFirst = known.size === 0;
    this.current = origins.map((origin) => known.get(origin) ?? this.create(origin, isFirst, now));
    for (const [origin, instance] of known) if (!origins.includes(origin)) this.removed.add(instance);
    this.count();
  }

  /**
   * The instance for the next attempt; undefined where none has room but those that were tried. Where those that are up
   * were all tried, it is one that is not: it may be back already, and nobody else is left.
   */
  pick(tried: readonly Instance[], now: number): Instance | undefined {
    const { current } = this;
    if (this.unavailable === 0 && tried.length === 0) {
      const instance = leastRequestOfTwo(current, now);
      if (instance && !instance.isFull) return instance;
    }
    const untried = current.filter((instance) => !tried.includes(instance));
    const up = untried.filter(({ health }) => health.isUp);
    const choice = up.length > 0 ? up : untried;
    return leastRequestOfTwo(
      choice.filter(({ isFull }) => !isFull),
      now,
    );
  }

  /** Ends ejections whose time is over, and lets those go that have no more requests. */
  tick(now: number): void {
    if (this.unavailable > 0) for (const { health } of this.current) health.tick(now);
    for (const instance of this.removed) {
      if (instance.activeRequests > 0) continue;
      this.removed.delete(instance);
      void instance.destroy();
    }
  }

  /** Ends all connections. */
  async destroy(): Promise<void> {
    await Promise.all([...this.current, ...this.removed].map((instance) => instance.destroy()));
  }

  private create(origin: string, isFirst: boolean, now: number): Instance {
    const health = new InstanceHealth(
      this.health,
      // Never more than half of them, and so never the last.
      () => (this.unavailable + 1) * 2 <= this.current.length,
      (state, fault) => {
        this.count();
        this.onChange({ origin, state, fault });
      },
    );
    if (!isFirst) health.beginSlowStart(now);
    return new Instance(origin, this.options, health, this.tls);
  }

  private count(): void {
    this.unavailable = this.current.filter(({ health }) => !health.isUp).length;
  }
}

/** Of two at random the one with less to do. */
function leastRequestOfTwo(choice: readonly Instance[], now: number): Instance | undefined {
  if (choice.length < 2) return choice[0];
  const first = Math.floor(randomFraction() * choice.length);
  const other = (first + 1 + Math.floor(randomFraction() * (choice.length - 1))) % choice.length;
  const [one, two] = [choice[first]!, choice[other]!];
  return one.load(now) <= two.load(now) ? one : two;
}
