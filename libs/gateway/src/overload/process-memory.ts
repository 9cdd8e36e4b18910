import { getHeapStatistics } from 'node:v8';
import { Injectable } from '@nestjs/common';
import { memoryLimitBytes } from './memory-limit.js';

/** Memory of the process, and its limits. */
@Injectable()
export class ProcessMemory {
  /** Memory limit of the container, in bytes; undefined if there is none. */
  readonly limitBytes = memoryLimitBytes();
  /** Bytes of heap at which V8 ends the process; constant while Node runs. */
  readonly heapLimitBytes = getHeapStatistics().heap_size_limit;

  /**
   * The higher of two ratios, in percent: resident memory to the container's limit, used heap to V8's limit. Either limit
   * ends the process. Near its limit V8 collects garbage halfway between the live objects and the limit, so in a heap that
   * is 90 % full live objects are at least 80 % of the limit.
   */
  percent(): number {
    const heap = getHeapStatistics().used_heap_size / this.heapLimitBytes;
    const container = this.limitBytes === undefined ? 0 : process.memoryUsage.rss() / this.limitBytes;
    return Math.max(heap, container) * 100;
  }
}
