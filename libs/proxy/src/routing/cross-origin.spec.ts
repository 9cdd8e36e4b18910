import { checkCrossOrigin, preflightOptionsOf } from './cross-origin.js';
import type { RouteOptions } from './route-options.js';

const ROUTE = { methods: ['POST'], path: '/callback' } as const;

describe('the options for other origins', () => {
  it.each<Partial<RouteOptions>>([
    {},
    { cors: 'gateway' },
    { cors: 'upstream' },
    { crossOrigin: 'any', auth: 'none' },
    { crossOrigin: 'any', auth: 'none', cors: 'gateway' },
  ])('may be %j', (options) => {
    expect(() => checkCrossOrigin({ options: { ...ROUTE, ...options }, upstream: 'a' })).not.toThrow();
  });

  it.each([
    [{ cors: 'service' }, "has the cors service; 'gateway' and 'upstream' are possible"],
    [{ crossOrigin: '*', auth: 'none' }, "has the crossOrigin *; only 'any' is possible"],
    [{ crossOrigin: 'any' }, "has crossOrigin: 'any', which only a route with auth: 'none' may have"],
    [
      { crossOrigin: 'any', auth: 'required' },
      "has crossOrigin: 'any', which only a route with auth: 'none' may have",
    ],
    [
      { crossOrigin: 'any', auth: 'none', cors: 'upstream' },
      "has both crossOrigin and cors: 'upstream', where the service decides about origins",
    ],
    [
      { cors: 'upstream', methods: ['OPTIONS', 'POST'] },
      "has OPTIONS and cors: 'upstream', whose preflights need no token: it must have auth: 'none'",
    ],
  ])('stop the boot as %j', (options, message) => {
    const route = { options: { ...ROUTE, ...options } as RouteOptions, upstream: 'web-service' };
    expect(() => checkCrossOrigin(route)).toThrow(
      `POST /callback (web-service) ${message}`.slice('methods' in options ? 'POST'.length : 0),
    );
  });
});

describe('the route of preflights', () => {
  it('has all options of its route, but asks for no token, counts for no limit of it and ends no session', () => {
    const kept: RouteOptions = {
      ...ROUTE,
      cors: 'upstream',
      strip: '/callback',
      allowedInPath: ['encodedSlash'],
      requestTimeoutMs: 1_000,
      affinity: { by: 'client' },
      requestHeaders: { set: { 'X-Team': 'a' } },
    };
    const limit = { name: 'CALLBACK', perMinute: 1 };
    expect(preflightOptionsOf({ ...kept, endsSession: true, limit })).toEqual({
      ...kept,
      methods: ['OPTIONS'],
      auth: 'none',
    });
  });

  it('has no options of event streams, which are for GET', () => {
    const options = { ...ROUTE, cors: 'upstream', eventStream: { resume: true } } as const;
    expect(preflightOptionsOf(options)).not.toHaveProperty('eventStream');
  });

  it.each<Partial<RouteOptions>>([{}, { cors: 'gateway' }, { cors: 'upstream', websocket: {} }])(
    'does not exist for %j',
    (options) => {
      expect(preflightOptionsOf({ ...ROUTE, ...options })).toBeUndefined();
    },
  );
});
