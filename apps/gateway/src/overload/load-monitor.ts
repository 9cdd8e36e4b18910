import { monitorEventLoopDelay } from 'node:perf_hooks';
import { SETTINGS, type Settings, OpenExchanges } from '@app/gateway';
import type { Exchange } from '@app/proxy';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Hysteresis } from './hysteresis.js';
import { fitsMemory } from './memory-share.js';
import { ProcessMemory } from './process-memory.js';

/** Resources that can be saturated. */
export const RESOURCES = ['event loop', 'memory', 'in flight'] as const;

export type Resource = (typeof RESOURCES)[number];

/** How often the load is measured, in milliseconds. */
const INTERVAL_MS = 250;

/** How exactly the delay of the event loop is measured, in milliseconds. */
const RESOLUTION_MS = 20;

/** Clear measurements in a row that clear a saturated resource: one second. */
const CLEAR_AFTER = 4;

/**
 * Knows whether the process has more to do than it can, so that it refuses what is new while it can still finish what
 * it has begun.
 *
 * - Event loop: the longest delay within an interval, in two intervals without a clear second between them, since long turns and
 *   short ones may alternate. One long turn, or a machine that stood still, is over by the time that anybody could be
 *   refused for it.
 * - Memory: see `ProcessMemory`.
 * - In flight: exactly the requests past the limit are refused; logs, metrics and readiness show the resource as saturated
 *   for a second longer.
 */
@Injectable()
export class LoadMonitor implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(LoadMonitor.name);
  private readonly delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private readonly resources: Readonly<Record<Resource, Hysteresis>>;
  private timer: NodeJS.Timeout | undefined;
  private delayMs = 0;

  constructor(
    @Inject(SETTINGS) private readonly config: Settings,
    private readonly open: OpenExchanges,
    private readonly memory: ProcessMemory,
  ) {
    const { eventLoopMs, memoryPercent, inFlight } = config.overload;
    const often = { clearRatio: 0.8, clearAfter: CLEAR_AFTER };
    this.resources = {
      'event loop': new Hysteresis({ ...often, limit: eventLoopMs, tripAfter: 2 }),
      // Resident memory falls late and not far: a lower mark might never be reached.
      memory: new Hysteresis({ ...often, limit: memoryPercent, tripAfter: 1, clearRatio: 0.95 }),
      'in flight': new Hysteresis({ ...often, limit: inFlight + 1, tripAfter: 1 }),
    };
  }

  onModuleInit(): void {
    this.warnOfHeap();
    this.delay.enable();
    this.timer = setInterval(() => this.measure(), INTERVAL_MS).unref();
  }

  /** Resources that are saturated now. */
  get saturatedResources(): readonly Resource[] {
    return RESOURCES.filter((reason) => this.resources[reason].isTripped);
  }

  /** The saturated resource for which an exchange, which is in flight already, is refused; undefined if it is served. */
  saturatedResourceFor({ route }: Exchange): Resource | undefined {
    if (this.resources['event loop'].isTripped) return 'event loop';
    // A request with nothing else in flight is served: V8 collects where something runs, and not where all is refused.
    if (this.resources.memory.isTripped && (this.open.size > 1 || route?.options.websocket)) return 'memory';
    if (this.open.size <= this.config.overload.inFlight) return undefined;
    if (this.resources['in flight'].trip()) this.report('in flight');
    return 'in flight';
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.delay.disable();
  }

  private measure(): void {
    this.delayMs = this.delay.max / 1e6;
    this.delay.reset();
    this.update('event loop', this.delayMs);
    this.update('memory', this.memory.percent());
    this.update('in flight', this.open.size);
  }

  private update(reason: Resource, value: number): void {
    if (this.resources[reason].update(value)) this.report(reason);
  }

  private report(reason: Resource): void {
    const figures = {
      reason,
      event_loop_ms: Math.round(this.delayMs),
      memory_percent: Math.round(this.memory.percent()),
      in_flight: this.open.size,
    };
    if (this.resources[reason].isTripped) {
      this.logger.warn({ message: 'overload begins: new requests are refused', ...figures });
    } else {
      this.logger.log({ message: 'overload ends', ...figures });
    }
  }

  /** Node does not see every limit, and gives the heap 256 MiB in the smallest container. */
  private warnOfHeap(): void {
    const { limitBytes, heapLimitBytes } = this.memory;
    const { bufferBytes } = this.config.websocket;
    if (limitBytes === undefined || fitsMemory(heapLimitBytes, bufferBytes, limitBytes)) return;
    this.logger.warn({
      message: 'the heap may outgrow the container: set --max-old-space-size in NODE_OPTIONS',
      memory_limit_bytes: limitBytes,
      heap_limit_bytes: heapLimitBytes,
      websocket_buffer_bytes: bufferBytes,
    });
  }
}
