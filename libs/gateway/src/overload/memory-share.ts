/** Share of the container's memory for the heap and the buffers of sockets. The process needs the rest for itself. */
const HEAP_AND_BUFFERS_SHARE = 0.75;

/** Whether a full heap and full buffers of sockets leave the process enough memory of its container. All in bytes. */
export function fitsMemory(heapLimitBytes: number, bufferBytes: number, limitBytes: number): boolean {
  return heapLimitBytes + bufferBytes <= limitBytes * HEAP_AND_BUFFERS_SHARE;
}
