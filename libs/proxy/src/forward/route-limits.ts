import { methodsOf } from '../routing/methods.js';
import type { RouteOptions } from '../routing/route-options.js';
import { describeRoute, RouteConfigurationError, type UpstreamRoute } from '../routing/upstream-route.js';
import type { EventStreamOptions, ForwardLimits } from './forward-options.js';

/** Options in milliseconds. */
const TIMEOUTS = ['requestTimeoutMs', 'responseHeadersTimeoutMs', 'streamIdleTimeoutMs'] as const;

const HEARTBEAT_MS = 15_000;

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

/** How the event streams of a route pass. */
export function eventStreamOptionsFor({ eventStream = {} }: Partial<RouteOptions>): EventStreamOptions {
  return { resumes: eventStream.resume ?? false, heartbeatMs: eventStream.heartbeatMs ?? HEARTBEAT_MS };
}

/** @throws RouteConfigurationError if the interval of heartbeats is invalid, or the route has no GET and resumes streams */
export function checkEventStream(route: UpstreamRoute): void {
  const { eventStream } = route.options;
  const { heartbeatMs = HEARTBEAT_MS } = eventStream ?? {};
  if (!Number.isSafeInteger(heartbeatMs) || heartbeatMs < 0) {
    throw new RouteConfigurationError(
      `${describeRoute(route)} has an eventStream.heartbeatMs that is no number of milliseconds from 0: ${heartbeatMs}`,
    );
  }
  if (!eventStream?.resume || methodsOf(route.options).includes('GET')) return;
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
