import { createHook } from 'node:async_hooks';

/**
 * Types of work that ends outside of the event loop, as `async_hooks` calls them: files and names, and the jobs of
 * `node:crypto`. Compression has no entry: one object of it does many pieces of work, and the product does not compress.
 */
const WORK =
  /^(?:FSREQCALLBACK|FSREQPROMISE|FILEHANDLECLOSEREQ|GETADDRINFOREQWRAP|GETNAMEINFOREQWRAP|(?!HTTPCLIENT)[A-Z0-9]+REQUEST)$/;

/** Counts the work that libuv's thread pool has not yet finished: how long it takes depends on the machine. */
export class ThreadPool {
  #running = new Map();
  #hook = createHook({
    trackPromises: false,
    init: (id, type) => {
      if (WORK.test(type)) this.#running.set(id, type);
    },
    // Its callback runs; or nobody waits for it any more.
    before: (id) => void this.#running.delete(id),
    destroy: (id) => void this.#running.delete(id),
  });

  watch() {
    this.#hook.enable();
  }

  get isBusy() {
    return this.#running.size > 0;
  }

  /** The types of the work that runs. */
  get types() {
    return [...this.#running.values()];
  }
}
