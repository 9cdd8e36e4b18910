import type { RouteOptions } from '../routing/route-options.js';
import { RouteConfigurationError } from '../routing/upstream-route.js';
import type { ForwardLimits } from './forward-options.js';
import { checkEventStream, checkTimeouts, eventStreamOptionsFor, limitsFor } from './route-limits.js';

const PROXY: ForwardLimits = {
  requestTimeoutMs: 45_000,
  responseHeadersTimeoutMs: 30_000,
  streamIdleTimeoutMs: 50_000,
  eventStreamIdleTimeoutMs: 3_600_000,
  bodyLimitBytes: 1_000,
  minimumRate: { bytesPerSecond: 240, graceMs: 5_000 },
};

describe('the timeouts of a route', () => {
  it.each([
    ['are those of the proxy if it sets none', {}, [45_000, 30_000]],
    ['win if they are longer, for one attempt too', { requestTimeoutMs: 100_000 }, [100_000, 100_000]],
    ['win if they are shorter', { requestTimeoutMs: 300 }, [300, 300]],
    ['win for one attempt', { responseHeadersTimeoutMs: 44_000 }, [45_000, 44_000]],
    [
      'win for one attempt and for all',
      { requestTimeoutMs: 200_000, responseHeadersTimeoutMs: 90_000 },
      [200_000, 90_000],
    ],
  ] as const)('%s', (_what, route, expected) => {
    const { requestTimeoutMs, responseHeadersTimeoutMs } = limitsFor(route, PROXY);
    expect([requestTimeoutMs, responseHeadersTimeoutMs]).toEqual(expected);
  });

  it.each([
    ['are those of the proxy', {}, [50_000, 3_600_000]],
    ['are its own', { streamIdleTimeoutMs: 70_000 }, [70_000, 70_000]],
  ] as const)('of bodies and of streams %s', (_what, route, expected) => {
    const { streamIdleTimeoutMs, eventStreamIdleTimeoutMs } = limitsFor(route, PROXY);
    expect([streamIdleTimeoutMs, eventStreamIdleTimeoutMs]).toEqual(expected);
  });

  const check = (options: Partial<RouteOptions>) => (): void => {
    checkTimeouts(
      { options: { methods: ['GET'], path: '/v1/reports', ...options }, upstream: 'a-service' },
      PROXY,
    );
  };

  it.each([
    [
      { responseHeadersTimeoutMs: 100_000 },
      'GET /v1/reports (a-service) has a responseHeadersTimeoutMs (100000) that must be less than REQUEST_TIMEOUT_MS (45000)',
    ],
    [
      { responseHeadersTimeoutMs: 300, requestTimeoutMs: 300 },
      'GET /v1/reports (a-service) has a responseHeadersTimeoutMs (300) that must be less than requestTimeoutMs (300)',
    ],
    [
      { requestTimeoutMs: 0 },
      'GET /v1/reports (a-service) has a requestTimeoutMs that is no number of milliseconds from 1: 0',
    ],
    [{ responseHeadersTimeoutMs: Number.NaN }, 'from 1: NaN'],
    [{ streamIdleTimeoutMs: -1 }, 'streamIdleTimeoutMs that is no number of milliseconds from 1: -1'],
  ])('of %j cannot hold', (options, message) => {
    expect(check(options)).toThrow(RouteConfigurationError);
    expect(check(options)).toThrow(message);
  });

  it('can hold if an attempt has less time than the request', () => {
    expect(check({ responseHeadersTimeoutMs: 90_000, requestTimeoutMs: 100_000 })).not.toThrow();
  });
});

describe('the event streams of a route', () => {
  it.each([
    [undefined, { resumes: false, heartbeatMs: 15_000 }],
    [{ resume: true }, { resumes: true, heartbeatMs: 15_000 }],
    [{ heartbeatMs: 0 }, { resumes: false, heartbeatMs: 0 }],
  ])('with %j are %j', (eventStream, expected) => {
    expect(eventStreamOptionsFor(eventStream ? { eventStream } : {})).toEqual(expected);
  });

  it.each([-1, 0.5, Number.NaN, Infinity])('have no heartbeat every %s ms', (heartbeatMs) => {
    const options: RouteOptions = { methods: ['GET'], path: '/v1/ticks', eventStream: { heartbeatMs } };
    expect(() => checkEventStream({ options, upstream: 'a-service' })).toThrow(
      new RouteConfigurationError(
        `GET /v1/ticks (a-service) has an eventStream.heartbeatMs that is no number of milliseconds from 0: ${heartbeatMs}`,
      ),
    );
  });
});
