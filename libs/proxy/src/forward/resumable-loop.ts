import type { Attempt, AttemptListener } from '../attempts/attempt.js';
import type { Exchange } from '../http/exchange.js';
import type { ForwardOptions } from './forward-options.js';
import type { ResponseDelivery } from './response-delivery.js';

/** The loop whose last attempt was cut. */
export interface ResumableLoop extends AttemptListener {
  readonly forward: {
    readonly exchange: Exchange;
    readonly options: ForwardOptions;
    readonly delivery: Pick<ResponseDelivery, 'isPaused' | 'finishEarly' | 'onResumed'>;
  };
  /** The last attempt. */
  attempt: Attempt | undefined;
  /** Formats the head of the next attempt. @throws ProxyListenerException */
  formatHead(body: null, closesConnection: boolean, lastEventId: string): string;
}
