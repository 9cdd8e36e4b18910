import type { AffinityOptions } from './affinity-options.js';
import { checkedAffinity } from './checked-affinity.js';

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
