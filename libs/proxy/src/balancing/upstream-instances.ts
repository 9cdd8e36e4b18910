import type { Exchange } from '../http/exchange.js';
import type { Ticking } from '../http/ticker.js';
import { Instance, type InstanceOptions } from './instance.js';
import {
  InstanceHealth,
  type HealthOptions,
  type FailureKind,
  type InstanceState,
} from './instance-health.js';
import type { UpstreamTls } from '../transport/upstream-tls.js';
import type { LoadBalancer } from './load-balancer.js';

/** A change of an instance's state, for logs and metrics. */
export interface InstanceChange {
  readonly origin: string;
  readonly state: InstanceState;
  readonly failureKind: FailureKind | undefined;
}

export interface UpstreamInstancesOptions {
  readonly connections: InstanceOptions;
  readonly health: HealthOptions;
  readonly loadBalancer: LoadBalancer;
}

/** The instances of an upstream: which there are, which of them are up, and which one gets an attempt. */
export class UpstreamInstances implements Ticking {
  /** See `DenseMember`. */
  slot = -1;
  private current: Instance[] = [];
  private readonly removed = new Set<Instance>();
  /** Number of instances that are not up. */
  private unavailable = 0;

  /** @param onChange called after each change of an instance's state */
  constructor(
    private readonly options: UpstreamInstancesOptions,
    private readonly tls: UpstreamTls,
    private readonly onChange: (change: InstanceChange) => void,
  ) {}

  get all(): readonly Instance[] {
    return this.current;
  }

  /** Number of instances that are up. */
  get up(): number {
    return this.current.length - this.unavailable;
  }

  /** Requests that wait for a connection. */
  get pending(): number {
    return this.current.reduce((sum, instance) => sum + instance.stats().pending, 0);
  }

  /**
   * Replaces the instances by those of these origins. A new instance gets a slow start, unless there were none before.
   * A removed one gets no new requests, and is destroyed after its last.
   */
  setOrigins(origins: readonly string[], now: number): void {
    const known = new Map(this.current.map((instance) => [instance.origin, instance]));
    const isFirst = known.size === 0;
    this.current = origins.map((origin) => known.get(origin) ?? this.create(origin, isFirst, now));
    for (const [origin, instance] of known) if (!origins.includes(origin)) this.remove(instance);
    this.countUnavailable();
  }

  /**
   * The instance for the next attempt; undefined if no untried instance has room. If all instances that are up were tried,
   * picks one that is not up: it may be back already.
   * @param exchange undefined if a WebSocket is resumed
   */
  pick(tried: readonly Instance[], now: number, exchange?: Exchange): Instance | undefined {
    if (this.unavailable === 0 && tried.length === 0) {
      const instance = this.pickOf(this.current, now, exchange);
      if (instance && !instance.isFull) return instance;
    }
    return this.pickOf(this.candidates(tried), now, exchange);
  }

  /** The untried instances with room: those that are up, or the others if all that are up were tried. */
  candidates(tried: readonly Instance[]): readonly Instance[] {
    const untried = this.current.filter((instance) => !tried.includes(instance));
    const up = untried.filter(({ health }) => health.isUp);
    return (up.length > 0 ? up : untried).filter(({ isFull }) => !isFull);
  }

  /** Ends ejections whose time is over, and destroys removed instances without requests. */
  tick(now: number): void {
    for (const instance of this.current) {
      instance.tick(now);
      if (this.unavailable > 0) instance.health.tick(now);
    }
    for (const instance of this.removed) {
      if (instance.activeRequests > 0) continue;
      this.removed.delete(instance);
      instance.destroy();
    }
  }

  /** Ends all connections. */
  destroy(): void {
    for (const instance of [...this.current, ...this.removed]) instance.destroy();
  }

  private pickOf(choice: readonly Instance[], now: number, exchange?: Exchange): Instance | undefined {
    if (choice.length < 2) return choice[0];
    return this.options.loadBalancer.pick(choice, exchange, now) as Instance;
  }

  private create(origin: string, isFirst: boolean, now: number): Instance {
    const health = new InstanceHealth(
      this.options.health,
      // At most half of the instances may be down or ejected; so the last one never is.
      () => (this.unavailable + 1) * 2 <= this.current.length,
      (state, failureKind) => {
        this.countUnavailable();
        this.onChange({ origin, state, failureKind });
      },
    );
    if (!isFirst) health.beginSlowStart(now);
    return new Instance(origin, this.options.connections, health, this.tls);
  }

  private remove(instance: Instance): void {
    instance.isRemoved = true;
    this.removed.add(instance);
  }

  private countUnavailable(): void {
    this.unavailable = this.current.filter(({ health }) => !health.isUp).length;
  }
}
