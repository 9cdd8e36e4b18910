import { getHeapStatistics } from 'node:v8';
import { Injectable } from '@nestjs/common';
import { memoryLimitBytes } from './memory-limit.js';

/** What memory the process has and may have. */
@Injectable()
export class ProcessMemory {
  /** Bytes that the container may have; undefined where nobody said. */
  readonly limitBytes = memoryLimitBytes();
  /** Bytes of heap at which V8 ends the process; it does not change once Node runs. */
  readonly heapLimitBytes = getHeapStatistics().heap_size_limit;

  /**
   * How full it is, in percent of the nearer end: the process's resident memory against the container's limit, or the
   * heap against V8's, which ends the process just as surely while the container has room. Near its limit V8 collects
   * halfway between what lives and the limit, so that a heap 90 % full is at least 80 % alive.
   */
  percent(): number {
    const heap = getHeapStatistics().used_heap_size / this.heapLimitBytes;
    const container = this.limitBytes === undefined ? 0 : process.memoryUsage.rss() / this.limitBytes;
    return Math.max(heap, container) * 100;
  }
}
