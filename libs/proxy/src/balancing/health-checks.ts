import { randomFraction } from '../http/random.js';
import type { LoadBalancer } from './load-balancer.js';

export interface HealthCheckOptions {
  /** Milliseconds between two checks of an instance; 0: there are none, and only its requests tell of it. */
  readonly intervalMs: number;
  /** Milliseconds that an instance has to answer. */
  readonly timeoutMs: number;
}

/** How much earlier or later than its interval a check may come, so that many gateways do not ask at once. */
const JITTER = 0.2;

/** Asks every instance of an upstream, again and again, whether it is well. */
export class HealthChecks {
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /** @param path answers below 500 while an instance is well */
  constructor(
    private readonly instances: LoadBalancer,
    private readonly path: string,
    private readonly options: HealthCheckOptions,
  ) {}

  /** Checks each now, and from then on by itself. */
  start(): void {
    if (this.options.intervalMs > 0) void this.checkAll();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private async checkAll(): Promise<void> {
    await Promise.all(
      this.instances.all.map(async (instance) => {
        const passed = await instance.isAnswering(this.path, this.options.timeoutMs);
        instance.health.checked(passed, performance.now());
      }),
    );
    if (this.isStopped) return;
    const inMs = this.options.intervalMs * (1 - JITTER + randomFraction() * 2 * JITTER);
    this.timer = setTimeout(() => void this.checkAll(), inMs).unref();
  }
}
