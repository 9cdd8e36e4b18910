/*
 * Delays as promises. They use the global timers at the moment of the call, so that a test or the simulation can replace
 * them; `node:timers/promises` has timers of its own.
 */

export interface DelayOptions {
  /** Rejects the delay with the signal's reason when it aborts. Default: none. */
  readonly signal?: AbortSignal;
  /** Whether the process stays alive for the delay. Default: true. */
  readonly keepsAlive?: boolean;
}

/** Resolves after `ms` milliseconds. @throws the reason of the signal, if it aborts before */
export function delay(ms: number, { signal, keepsAlive = true }: DelayOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (!keepsAlive) timer.unref();
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Resolves in the next turn of the event loop, after pending I/O callbacks. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
