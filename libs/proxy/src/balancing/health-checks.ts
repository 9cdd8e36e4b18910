import { randomFraction } from '../http/random.js';
import { HealthCheck } from './health-check.js';
import type { UpstreamInstances } from './upstream-instances.js';

export interface HealthCheckOptions {
  /** Milliseconds between two checks of an instance; 0 for no checks. */
  readonly intervalMs: number;
  /** Longest time in milliseconds until an instance responds. */
  readonly timeoutMs: number;
}

/** Random deviation of the interval, as a share, so that gateways do not ask in step. */
const JITTER = 0.2;

/** Checks every instance of an upstream at intervals. */
export class HealthChecks {
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /**
   * @param path a GET of it has a status below 500 while an instance is well
   * @param host `Host` of the checks. Default: that of each instance
   */
  constructor(
    private readonly instances: UpstreamInstances,
    private readonly path: string,
    private readonly options: HealthCheckOptions,
    private readonly host?: string,
  ) {}

  /** Checks all instances now, and from then on by itself. */
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
        const passed = await new HealthCheck(instance, this.path, this.host).run(this.options.timeoutMs);
        instance.health.checked(passed, performance.now());
      }),
    );
    if (this.isStopped) return;
    const inMs = this.options.intervalMs * (1 - JITTER + randomFraction() * 2 * JITTER);
    this.timer = setTimeout(() => void this.checkAll(), inMs).unref();
  }
}
