/** The share of the container's memory that the heap and the buffers of sockets may fill; the rest is the process's. */
const HEAP_AND_BUFFERS_SHARE = 0.75;

/** Whether a heap that is full and buffers that are full leave the process enough of its container, all in bytes. */
export function fitsMemory(heapLimitBytes: number, bufferBytes: number, limitBytes: number): boolean {
  return heapLimitBytes + bufferBytes <= limitBytes * HEAP_AND_BUFFERS_SHARE;
}
