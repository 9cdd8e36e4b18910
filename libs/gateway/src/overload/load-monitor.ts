import { monitorEventLoopDelay } from 'node:perf_hooks';
import { OpenExchanges } from '../http/open-exchanges.js';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
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

/** Resolution of the delay of the event loop, in milliseconds. */
const RESOLUTION_MS = 20;

/**
 * Number of consecutive measurements below the clear threshold (80 % of the limit, memory 95 %) that end saturation:
 * one second.
 */
const CLEAR_AFTER = 4;

/**
 * Measures the load of the process. While a resource is saturated, new requests are refused, so that those in flight
 * can end.
 *
 * - Event loop: saturated after two intervals whose longest delay reaches the limit. The count restarts after one
 *   second in which every delay is below 80 % of the limit. A single long turn does not saturate.
 * - Memory: see `ProcessMemory`.
 * - In flight: exactly the requests beyond the limit are refused. Logs, metrics and readiness show the resource as
 *   saturated until the number has been below 80 % of the limit for one second.
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
      // Resident memory falls slowly after a peak and may stay above 80 %.
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
    return RESOURCES.filter((resource) => this.resources[resource].isTripped);
  }

  /**
   * The saturated resource because of which this new exchange, already counted in flight, must be refused; undefined if
   * it is served. Trips and logs 'in flight'.
   */
  checkSaturation({ upgrade }: Exchange): Resource | undefined {
    if (this.resources['event loop'].isTripped) return 'event loop';
    // A request alone in flight may pass: if all were refused, V8 would collect no garbage, and memory would stay full.
    if (this.resources.memory.isTripped && (this.open.size > 1 || upgrade)) return 'memory';
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

  private update(resource: Resource, value: number): void {
    if (this.resources[resource].update(value)) this.report(resource);
  }

  private report(resource: Resource): void {
    const figures = {
      reason: resource,
      event_loop_ms: Math.round(this.delayMs),
      memory_percent: Math.round(this.memory.percent()),
      in_flight: this.open.size,
    };
    if (this.resources[resource].isTripped) {
      this.logger.warn({ message: 'overload begins: new requests are refused', ...figures });
    } else {
      this.logger.log({ message: 'overload ends', ...figures });
    }
  }

  /** Warns of a heap limit that Node chose too high: it does not see every limit, and never chooses less than 256 MiB. */
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
