import type { IncomingHttpHeaders } from 'node:http';
import type { Exchange } from '../http/exchange.js';
import type { AffinityOptions } from '../routing/affinity-options.js';
import { UpstreamTls } from '../transport/upstream-tls.js';
import { Affinity } from './affinity.js';
import { LeastRequestBalancer } from './least-request.balancer.js';
import { UpstreamInstances } from './upstream-instances.js';

const ORIGINS = ['http://10.0.0.1:80', 'http://10.0.0.2:80', 'http://10.0.0.3:80'];

function createInstances(): UpstreamInstances {
  const connections = {
    connectTimeoutMs: 100,
    maxConnections: 10,
    maxPending: 90,
    keepAliveMs: 4_000,
    headerLimitBytes: 16_384,
  };
  const health = {
    failuresToEject: 1,
    ejectionMs: 1_000,
    longestEjectionMs: 1_000,
    checksToFall: 1,
    checksToRise: 1,
    slowStartMs: 0,
  };
  const instances = new UpstreamInstances(
    { connections, health, loadBalancer: new LeastRequestBalancer() },
    new UpstreamTls({}, 1_000, () => {}),
    () => {},
  );
  instances.setOrigins(ORIGINS, 0);
  return instances;
}

const affinityOf = (options: AffinityOptions, instances = createInstances(), secret = 'secret'): Affinity =>
  Affinity.of({}, { name: 'web-service', affinity: options }, instances, secret)!;

interface Request {
  readonly headers?: IncomingHttpHeaders;
  readonly url?: string;
  readonly clientAddress?: string;
  readonly isPeerTrusted?: boolean;
  readonly instance?: string;
}

function exchange({ headers = {}, url = '/', ...rest }: Request = {}): Exchange {
  const responseHeaders: string[] = [];
  return {
    clientAddress: '10.9.9.9',
    isPeerTrusted: false,
    url,
    responseHeaders,
    ...rest,
    request: { headers, socket: {} },
  } as unknown as Exchange;
}

describe('the key', () => {
  it.each<[string, AffinityOptions, Request, string | undefined]>([
    ['an IPv4 address', { by: 'client' }, {}, '10.9.9.9'],
    [
      'the network of an IPv6 address',
      { by: 'client' },
      { clientAddress: '2001:db8::9' },
      '2001:db8:0:0::/64',
    ],
    ['a header', { by: 'header', name: 'Mcp-Session-Id' }, { headers: { 'mcp-session-id': 'a' } }, 'a'],
    ['no header', { by: 'header', name: 'Mcp-Session-Id' }, {}, undefined],
    ['an empty header', { by: 'header', name: 'X-A' }, { headers: { 'x-a': '' } }, undefined],
    [
      'a header with the name of a list',
      { by: 'header', name: 'Set-Cookie' },
      { headers: { 'set-cookie': ['a'] } },
      undefined,
    ],
    ['a header with the name of a member', { by: 'header', name: '__proto__' }, {}, undefined],
    ['a cookie', { by: 'cookie', name: 'sid' }, { headers: { cookie: 'a=1; sid=x=y; b=2' } }, 'x=y'],
    ['a cookie behind no blank', { by: 'cookie', name: 'sid' }, { headers: { cookie: 'a=1;sid=x' } }, 'x'],
    ['the first of two cookies', { by: 'cookie', name: 'sid' }, { headers: { cookie: 'sid=x; sid=y' } }, 'x'],
    [
      'no cookie with a longer name',
      { by: 'cookie', name: 'sid' },
      { headers: { cookie: 'asid=x; side=y' } },
      undefined,
    ],
    ['no cookie in a value', { by: 'cookie', name: 'sid' }, { headers: { cookie: 'a=sid=x' } }, undefined],
    ['an empty cookie', { by: 'cookie', name: 'sid' }, { headers: { cookie: 'sid=; sid=x' } }, undefined],
    [
      'a parameter of the query',
      { by: 'query', name: 'sid' },
      { url: '/io/?EIO=4&sid=x%20y&sid=z' },
      'x%20y',
    ],
    ['no parameter in the path', { by: 'query', name: 'sid' }, { url: '/sid=x' }, undefined],
    [
      'no parameter with a longer name',
      { by: 'query', name: 'sid' },
      { url: '/?asid=x&side=y&sid' },
      undefined,
    ],
    [
      "the gateway's cookie",
      { by: 'gateway-cookie' },
      { headers: { cookie: 'web-service-affinity=x' } },
      'x',
    ],
    [
      "the gateway's cookie by its name",
      { by: 'gateway-cookie', name: 'at' },
      { headers: { cookie: 'at=x' } },
      'x',
    ],
  ])('is %s', (_, options, request, key) => {
    expect(affinityOf(options).keyOf(exchange(request))).toBe(key);
  });

  it('is a parameter of the path, decoded', () => {
    const parameter = (name: string): string => `${name} of the route`;
    expect(affinityOf({ by: 'parameter', name: 'id' }).keyOf({ parameter } as Exchange)).toBe(
      'id of the route',
    );
  });
});

describe('a hash of the key', () => {
  it('goes elsewhere while its instance is ejected or full or was tried, and comes back', () => {
    const instances = createInstances();
    const affinity = affinityOf({ by: 'client' }, instances);
    const home = affinity.pick('key', [], 0)!;
    const isAway = (tried = [] as (typeof home)[]): boolean => affinity.pick('key', tried, 1_000) !== home;

    expect(isAway([home])).toBe(true);
    home.activeRequests = 100;
    expect(isAway()).toBe(true);
    home.activeRequests = 0;
    home.health.failed('connect', 0);
    expect(isAway()).toBe(true);
    instances.tick(1_000);
    expect(isAway()).toBe(false);
    instances.setOrigins(
      ORIGINS.filter((origin) => origin !== home.origin),
      0,
    );
    expect(isAway()).toBe(true);
  });

  it('leaves the choice to the load balancer if every instance was tried', () => {
    const instances = createInstances();
    expect(affinityOf({ by: 'client' }, instances).pick('key', instances.all, 0)).toBeUndefined();
  });
});

describe("the gateway's cookie", () => {
  const setCookieOf = (affinity: Affinity, request: Request): string | undefined => {
    const asked = exchange({ instance: ORIGINS[1]!, ...request });
    affinity.describe(asked);
    expect(asked.responseHeaders.filter((_, index) => index % 2 === 0)).toEqual(
      asked.responseHeaders.length > 0 ? ['Set-Cookie'] : [],
    );
    return asked.responseHeaders[1];
  };

  it('names the instance that responded by an id without its address, for programs of the server alone', () => {
    const affinity = affinityOf({ by: 'gateway-cookie' });
    const cookie = setCookieOf(affinity, {})!;

    expect(cookie).toMatch(/^web-service-affinity=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(Buffer.from(cookie.slice(21, 43), 'base64url').toString('latin1')).not.toContain('10.0');
    expect(affinity.pick(cookie.slice(21, 43), [], 0)!.origin).toBe(ORIGINS[1]);
  });

  it('is the same in every gateway with the secret, and another with another secret or upstream', () => {
    const options = { by: 'gateway-cookie' } as const;
    const cookie = setCookieOf(affinityOf(options), {});
    const other = Affinity.of({}, { name: 'www-service', affinity: options }, createInstances(), 'secret')!;

    expect(setCookieOf(affinityOf(options), {})).toBe(cookie);
    expect(setCookieOf(affinityOf(options, createInstances(), 'other'), {})).not.toBe(cookie);
    expect(setCookieOf(other, {})!.slice(21, 43)).not.toBe(cookie!.slice(21, 43));
  });

  it.each<[string, Request, boolean]>([
    ['a trusted proxy says https', { headers: { 'x-forwarded-proto': 'https' }, isPeerTrusted: true }, true],
    ['a trusted proxy says wss', { headers: { 'x-forwarded-proto': 'WSS' }, isPeerTrusted: true }, true],
    ['a trusted proxy says http', { headers: { 'x-forwarded-proto': 'http' }, isPeerTrusted: true }, false],
    ['a stranger says https', { headers: { 'x-forwarded-proto': 'https' } }, false],
  ])('with Secure or not if %s', (_, request, isSecure) => {
    const cookie = setCookieOf(affinityOf({ by: 'gateway-cookie', path: '/io' }), request)!;
    expect(cookie.endsWith(`; Path=/io; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`)).toBe(true);
  });

  it('is not set again while its instance is up, whichever responded, and is once the instance is lost', () => {
    const instances = createInstances();
    const affinity = affinityOf({ by: 'gateway-cookie' }, instances);
    const headers = { cookie: setCookieOf(affinity, {})!.split(';')[0]! };

    expect(setCookieOf(affinity, { headers, instance: ORIGINS[2]! })).toBeUndefined();
    instances.all[1]!.health.failed('connect', 0);
    expect(setCookieOf(affinity, { headers, instance: ORIGINS[2]! })).toBeDefined();
  });

  it('is obeyed up to the load limit', () => {
    const instances = createInstances();
    const affinity = affinityOf({ by: 'gateway-cookie', loadFactor: 2 }, instances);
    const key = setCookieOf(affinity, {})!.slice(21, 43);
    const [one, home] = instances.all;
    one!.activeRequests = 20;
    home!.activeRequests = 39;

    expect(affinity.pick(key, [], 0)).toBe(home);
    home!.activeRequests = 42;
    expect(affinity.pick(key, [], 0)).toBeUndefined();
  });

  it.each(['', 'x', '../'.repeat(7), 'A'.repeat(8_000), ORIGINS[1]!])(
    'that is forged chooses no instance: %j',
    (key) => {
      expect(affinityOf({ by: 'gateway-cookie' }).pick(key, [], 0)).toBeUndefined();
    },
  );
});
