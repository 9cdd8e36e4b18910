import type { ProxyException } from '../http/exceptions.js';
import type { Exchange } from '../http/exchange.js';

/**
 * Ends an exchange for a reason of the gateway's own. A response that has not begun becomes the exception's. An event stream
 * ends behind a whole event, which may still be on its way; if its events cannot be told apart, and for every other
 * response, the connection is broken, so that the client does not take a part for the whole.
 */
export function endExchange(exchange: Exchange, exception: ProxyException): void {
  const { forward } = exchange;
  if (forward) forward.endEarly(exception);
  else cutExchange(exchange, exception);
}

/** The same without waiting for the end of an event. */
export function cutExchange(exchange: Exchange, exception: ProxyException): void {
  const { forward } = exchange;
  if (forward) {
    forward.cut(exception);
  } else {
    exchange.failure ??= exception;
    exchange.response.destroy();
  }
}

/** Whether the response of an exchange is an event stream that a service sends. */
export function isEventStream({ forward }: Exchange): boolean {
  return forward?.isEventStream ?? false;
}
