import type { ProxyException } from '../http/exceptions.js';
import type { Exchange } from '../http/exchange.js';

/**
 * Ends an exchange for a reason of the gateway's own. If the response has not begun, the client gets the exception. An event
 * stream ends behind the event in progress. Any other response, or an event stream whose events cannot be found, ends with
 * its connection, so that the client does not take it for complete.
 */
export function endExchange(exchange: Exchange, exception: ProxyException): void {
  const { forward } = exchange;
  if (forward) forward.endEarly(exception);
  else cutExchange(exchange, exception);
}

/** As `endExchange`, without waiting for the end of an event. */
export function cutExchange(exchange: Exchange, exception: ProxyException): void {
  const { forward } = exchange;
  if (forward) {
    forward.cut(exception);
  } else {
    exchange.failure ??= exception;
    exchange.response.destroy();
  }
}

/** Whether the response of an exchange is an event stream of a service. */
export function isEventStream({ forward }: Exchange): boolean {
  return forward?.isEventStream ?? false;
}
