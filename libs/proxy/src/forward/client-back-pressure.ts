import type { Attempt } from '../attempts/attempt.js';
import { networkOf } from '../http/client-network.js';
import { ClientStalledException, type ProxyException } from '../http/exceptions.js';
import { exchangeOf, type Exchange } from '../http/exchange.js';
import type { ForwardOptions } from './forward-options.js';
import type { SlowReader } from './slow-reader-limit.js';

/** Pauses the service of a response while its client does not read. Made when a client is first slower than the service. */
export class ClientBackPressure implements SlowReader {
  /** Whether the service is paused. */
  isPaused = false;

  /** @param fail called with the reason if the response must be broken off */
  constructor(
    private readonly exchange: Exchange,
    private readonly options: Pick<ForwardOptions, 'upstream' | 'slowReaderLimit'>,
    private readonly fail: (exception: ProxyException) => void,
  ) {}

  get network(): string {
    return networkOf(this.exchange.clientAddress);
  }

  pause(attempt: Attempt): void {
    this.isPaused = true;
    attempt.pause();
    this.exchange.response.once('drain', onDrain);
  }

  /** The client has read. */
  resume(attempt: Attempt): void {
    this.release();
    attempt.resume();
  }

  countAsSlowReader(): void {
    this.options.slowReaderLimit.add(this);
  }

  breakOff(): void {
    const { upstream } = this.options;
    // Without a stack trace: strangers choose how many of them there are.
    const message = `broken off: requests wait for a connection to ${upstream}`;
    this.fail(new ClientStalledException({ message }));
  }

  /** Ends the pause. The client no longer counts as a slow reader. */
  release(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.options.slowReaderLimit.delete(this);
  }
}

/** Shared: a closure for each request would stay in V8's old generation. */
function onDrain(this: Exchange['response']): void {
  exchangeOf(this.req)!.forward!.resume();
}
