import type { AffinityOptions } from './affinity-options.js';
import { checkCookies, checkedAffinity, type NamedAffinity } from './checked-affinity.js';

const ROUTE = { methods: ['GET'], path: '/files/:id' } as const;

describe('an affinity', () => {
  it('is that of the route, or else of the upstream', () => {
    const upstream = { name: 'web-service', affinity: { by: 'client' } } as const;

    expect(checkedAffinity(ROUTE, { name: 'web-service' })).toBeUndefined();
    expect(checkedAffinity(ROUTE, upstream)).toEqual({ by: 'client', upstream: 'web-service' });
    expect(checkedAffinity({ ...ROUTE, affinity: 'none' }, upstream)).toBeUndefined();
    expect(checkedAffinity({ ...ROUTE, affinity: { by: 'parameter', name: 'id' } }, upstream)).toEqual({
      by: 'parameter',
      name: 'id',
      upstream: 'web-service',
    });
  });

  it.each([
    [
      { by: 'sticky' },
      'by sticky; one of client, header, cookie, query, parameter, gateway-cookie is possible',
    ],
    [{ by: 'client', loadFactor: 0.9 }, 'with the loadFactor 0.9; it is at least 1'],
    [{ by: 'client', loadFactor: NaN }, 'with the loadFactor NaN; it is at least 1'],
    [{ by: 'header' }, 'by header with an invalid name: undefined'],
    [{ by: 'header', name: 'a b' }, 'by header with an invalid name: a b'],
    [{ by: 'cookie', name: 'a;b' }, 'by cookie with an invalid name: a;b'],
    [{ by: 'query', name: 'a&b' }, 'by query with an invalid name: a&b'],
    [{ by: 'parameter', name: 'key' }, 'by the parameter key, which its path does not have'],
    [{ by: 'gateway-cookie', name: 'a=b' }, 'with an invalid name of the cookie: a=b'],
    [{ by: 'gateway-cookie', path: '/a; Domain=b' }, 'with an invalid path of the cookie: /a; Domain=b'],
    [{ by: 'gateway-cookie', path: 'a' }, 'with an invalid path of the cookie: a'],
  ])('of %j stops the boot', (affinity, message) => {
    const declared = { ...ROUTE, affinity: affinity as AffinityOptions };
    expect(() => checkedAffinity(declared, { name: 'web-service' })).toThrow(
      `GET /files/:id (web-service) has an affinity ${message}`,
    );
  });
});

describe("the gateway's cookies", () => {
  const cookie = (upstream: string, more: object = {}): NamedAffinity => ({
    by: 'gateway-cookie',
    upstream,
    ...more,
  });
  const ONE = { name: 'sticky' };

  it('may be shared by the routes of one upstream, and have one name for two paths', () => {
    const routes = [
      cookie('a-service', ONE),
      cookie('a-service', ONE),
      cookie('b-service', { ...ONE, path: '/b' }),
    ];
    const others: NamedAffinity[] = [
      { by: 'cookie', upstream: 'd-service', ...ONE },
      { by: 'client', upstream: 'd-service' },
    ];
    expect(() => checkCookies([...routes, cookie('c-service'), ...others])).not.toThrow();
  });

  it.each([
    [ONE, { ...ONE, path: '/' }, 'sticky for /'],
    [{ ...ONE, path: '/b' }, { ...ONE, path: '/b' }, 'sticky for /b'],
    [{}, { name: 'a-service-affinity' }, 'a-service-affinity for /'],
  ])('stop the boot if two upstreams share one: %j and %j', (first, second, shared) => {
    expect(() => checkCookies([cookie('a-service', first), cookie('b-service', second)])).toThrow(
      `b-service has the affinity cookie of a-service: ${shared}; it needs a name or path of its own`,
    );
  });
});
