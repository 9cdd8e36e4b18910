import type { RouteOptions } from '../routing/route-options.js';
import { describeRoute, RouteConfigurationError, type UpstreamRoute } from '../routing/upstream-route.js';
import type { ForwardLimits } from './forward-options.js';

/** Options in milliseconds. */
const TIMEOUTS = ['requestTimeoutMs', 'responseHeadersTimeoutMs', 'streamIdleTimeoutMs'] as const;

/** The timeouts and limits of a route: its own, and those of the proxy for what it does not set. */
export function limitsFor(route: Partial<RouteOptions>, proxy: ForwardLimits): ForwardLimits {
  const { requestTimeoutMs = proxy.requestTimeoutMs } = route;
  return {
    requestTimeoutMs,
    responseHeadersTimeoutMs:
      // One attempt may use all the time that the route alone has set.
      route.responseHeadersTimeoutMs ?? route.requestTimeoutMs ?? proxy.responseHeadersTimeoutMs,
    streamIdleTimeoutMs: route.streamIdleTimeoutMs ?? proxy.streamIdleTimeoutMs,
    eventStreamIdleTimeoutMs: route.streamIdleTimeoutMs ?? proxy.eventStreamIdleTimeoutMs,
    bodyLimitBytes: route.bodyLimitBytes ?? proxy.bodyLimitBytes,
    minimumRate: proxy.minimumRate,
  };
}

/** @throws RouteConfigurationError if event streams cannot be resumed by the methods of the route */
export function checkEventStream(route: UpstreamRoute): void {
  const { eventStream, methods } = route.options;
  if (!eventStream?.resume || methods.includes('GET')) return;
  throw new RouteConfigurationError(`${describeRoute(route)} has eventStream.resume, which is for GET alone`);
}

/** @throws RouteConfigurationError if a timeout of the route is invalid, or an attempt would have more time than the request */
export function checkTimeouts(route: UpstreamRoute, proxy: ForwardLimits): void {
  const { options } = route;
  for (const name of TIMEOUTS) {
    const value = options[name];
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue;
    throw new RouteConfigurationError(
      `${describeRoute(route)} has a ${name} that is no number of milliseconds from 1: ${value}`,
    );
  }
  const { requestTimeoutMs: own, responseHeadersTimeoutMs: headersMs } = options;
  const requestMs = own ?? proxy.requestTimeoutMs;
  if (headersMs === undefined || headersMs < requestMs) return;
  const outer = own === undefined ? 'REQUEST_TIMEOUT_MS' : 'requestTimeoutMs';
  throw new RouteConfigurationError(
    `${describeRoute(route)} has a responseHeadersTimeoutMs (${headersMs}) that must be less than ${outer} (${requestMs})`,
  );
}
