import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * The simulated process whose code runs, or undefined: `{ random }`. Promises, ticks and immediates keep it by themselves;
 * timers and sockets of the simulation belong to the process that created them.
 */
export const currentProcess = new AsyncLocalStorage();
