import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Exchange } from '../http/exchange.js';
import type { Principal } from '../http/principal.js';
import type { HeaderRuleOptions, HeaderRules, HeaderSource } from '../routing/header-rules.js';
import { compilePath } from '../routing/path-pattern.js';
import type { RouteOptions } from '../routing/route-options.js';
import { HeaderConfigurationError } from './header-options.js';
import { UpstreamHeaders } from './upstream-headers.js';

const PRINCIPAL: Principal = {
  userId: 'u-1',
  email: 'ada@example.com',
  username: 'Ad\u00e9',
  role: 'user',
  tokenId: 't-1',
  sessionId: undefined,
  expiresAt: 0,
  claims: {
    tenant: 'a\r\nX-Role: admin',
    level: 3,
    beta: true,
    roles: ['a', 'b,c'],
    'https://x.example/org': 'o-1',
    nested: { a: 1 },
    none: null,
    mixed: ['a', {}],
    empty: [],
  },
};

interface Declared extends HeaderRuleOptions {
  readonly host?: string;
}

const headersOf = (upstream: Declared, ...routes: RouteOptions[]): UpstreamHeaders =>
  new UpstreamHeaders({ name: 'billing-service', routes, ...upstream });

/** The exchange of a request for a route, with the changes of its rules. */
function exchangeFor(upstream: Declared, options: Partial<RouteOptions>, principal = PRINCIPAL): Exchange {
  const route: RouteOptions = { methods: ['GET'], path: '/v1/rooms/:room', ...options };
  const declared = { options: route, upstream: 'billing-service' };
  const pattern = compilePath(declared);
  const request = new IncomingMessage(new Socket());
  request.url = '/v1/rooms/caf%C3%A9%0D%0A';
  const peer = { peerAddress: '192.0.2.1', isPeerTrusted: false, clientAddress: '203.0.113.7' };
  const exchange = new Exchange('id-1', request, new ServerResponse(request), peer);
  exchange.route = {
    ...declared,
    ...pattern,
    acceptedHeaders: undefined,
    isMonitoring: false,
    limit: undefined,
  };
  exchange.principal = principal;
  headersOf(upstream, route).rulesFor(declared, pattern)?.prepare(exchange);
  return exchange;
}

const sentBy = (upstream: HeaderRules | undefined, route: HeaderRules, client: string[] = []): string[] =>
  exchangeFor(
    { ...(upstream && { requestHeaders: upstream }) },
    { requestHeaders: route },
  ).requestChanges!.applyTo(client);

describe('the rules of a route', () => {
  it.each<[HeaderSource, string]>([
    ['principal.id', 'u-1'],
    ['principal.email', 'ada@example.com'],
    ['principal.username', 'Ad%C3%A9'],
    ['principal.role', 'user'],
    ['principal.tokenId', 't-1'],
    ['claims.tenant', 'a%0D%0AX-Role: admin'],
    ['claims.level', '3'],
    ['claims.beta', 'true'],
    ['claims.roles', 'a,b%2Cc'],
    ['claims.https://x.example/org', 'o-1'],
    ['parameters.room', 'caf%C3%A9%0D%0A'],
    ['client.address', '203.0.113.7'],
    ['request.id', 'id-1'],
  ])('set a header from %s', (from, value) => {
    expect(sentBy(undefined, { set: { 'X-Own': { from } } })).toEqual(['X-Own', value]);
  });

  it.each<HeaderSource>([
    'principal.sessionId',
    'claims.nested',
    'claims.none',
    'claims.mixed',
    'claims.empty',
    'claims.missing',
    'claims.constructor',
  ])('remove the client\u2019s header if %s is absent', (from) => {
    expect(sentBy(undefined, { set: { 'X-Own': { from } } }, ['x_OWN', 'spoofed', 'X-Kept', '1'])).toEqual([
      'X-Kept',
      '1',
    ]);
  });

  it('remove the client\u2019s header if there is no principal', () => {
    const exchange = exchangeFor({}, { requestHeaders: { set: { 'X-Own': { from: 'principal.id' } } } });
    const other = exchangeFor(
      {},
      { requestHeaders: { set: { 'X-Own': { from: 'claims.tenant' } } } },
      // A principal of a gate of a team.
      { ...PRINCIPAL, claims: undefined } as unknown as Principal,
    );

    expect(exchange.requestChanges!.applyTo(['X.Own', 'spoofed'])).toEqual(['X-Own', 'u-1']);
    expect(other.requestChanges!.applyTo(['X.Own', 'spoofed'])).toEqual([]);
  });

  it('come after those of the upstream', () => {
    const upstream: HeaderRules = { set: { 'X-A': '1', 'X-B': '1' }, add: { 'X-C': '1' }, remove: ['X-D'] };
    const route: HeaderRules = { set: { 'x-a': '2', 'X-D': '2' }, add: { 'X-C': '2' }, remove: ['X-B'] };

    expect(sentBy(upstream, route, ['X-A', '0', 'X-B', '0', 'X-C', '0', 'X-D', '0'])).toEqual([
      'X-C',
      '0',
      'X-C',
      '1',
      'x-a',
      '2',
      'X-D',
      '2',
      'X-C',
      '2',
    ]);
  });

  it('change nothing that a gate has changed', () => {
    const exchange = exchangeFor({}, {});
    exchange.requestHeaders.set('X-A', 'gate');
    exchange.requestHeaders.remove('X-B');
    const route: RouteOptions = {
      methods: ['GET'],
      path: '/',
      requestHeaders: { set: { x_a: '1', 'X-B': '1', 'X-C': '1' } },
    };
    const declared = { options: route, upstream: 'billing-service' };
    headersOf({}, route).rulesFor(declared, compilePath(declared))!.prepare(exchange);

    expect(exchange.requestChanges!.applyTo(['X-A', '0', 'X-B', '0'])).toEqual(['X-A', 'gate', 'X-C', '1']);
  });

  it('change the headers of responses', () => {
    const { responseChanges, requestChanges } = exchangeFor(
      { responseHeaders: { remove: ['Server'] } },
      { responseHeaders: { set: { 'X-Id': { from: 'request.id' } }, add: { Vary: 'Accept' } } },
    );

    expect(responseChanges!.applyTo(['Server', 'x', 'Vary', 'Origin', 'x-id', '0'])).toEqual([
      'Vary',
      'Origin',
      'X-Id',
      'id-1',
      'Vary',
      'Accept',
    ]);
    expect(requestChanges).toBeUndefined();
  });

  it('are none without options', () => {
    expect(headersOf({}).rules).toBeUndefined();
    expect(exchangeFor({}, {}).requestChanges).toBeUndefined();
  });

  it('guard what another route of the upstream sets from the principal, and nothing else', () => {
    const other: RouteOptions = {
      methods: ['GET'],
      path: '/other',
      requestHeaders: {
        set: { 'X-Who': { from: 'principal.id' }, 'X-Org': { from: 'claims.org' }, 'X-Plain': '1' },
      },
    };
    const route: RouteOptions = { methods: ['GET'], path: '/' };
    const declared = { options: route, upstream: 'billing-service' };
    const exchange = exchangeFor({}, {});
    headersOf({}, other, route).rulesFor(declared, compilePath(declared))!.prepare(exchange);

    expect(exchange.requestChanges!.applyTo(['x_who', '1', 'X-Org', '1', 'X-Plain', '0'])).toEqual([
      'X-Plain',
      '0',
    ]);
    expect(headersOf({}, other).rules).toBeDefined();
  });
});

describe('the boot stops', () => {
  it.each<[string, Declared, Partial<RouteOptions>, RegExp]>([
    [
      'a framing name',
      {},
      { requestHeaders: { set: { Content_Length: '1' } } },
      /^GET \/v1\/rooms\/:room \(billing-service\), requestHeaders: "Content_Length" frames the message$/,
    ],
    [
      'a hop-by-hop name',
      { requestHeaders: { remove: ['Connection'] } },
      {},
      /^billing-service, requestHeaders: "Connection" belongs to one connection$/,
    ],
    ['a name that is none', {}, { requestHeaders: { add: { 'X Own': '1' } } }, /"X Own" is no header name/],
    ['Host', {}, { requestHeaders: { set: { Host: 'a' } } }, /has the option `host`/],
    ['a value that is none', {}, { requestHeaders: { set: { 'X-Own': 'a\r\nb' } } }, /X-Own has a value/],
    ['an empty value', {}, { requestHeaders: { set: { 'X-Own': '' } } }, /X-Own has an empty value/],
    [
      'a name that is set twice',
      {},
      { requestHeaders: { set: { 'X-Own': '1', x_own: '2' } } },
      /x_own is set or removed twice/,
    ],
    [
      'a name that is set and removed',
      {},
      { requestHeaders: { set: { 'X-Own': '1' }, remove: ['x-own'] } },
      /x-own is set or removed twice/,
    ],
    [
      'an unknown source',
      {},
      { requestHeaders: { set: { 'X-Own': { from: 'principal.name' as HeaderSource } } } },
      /from "principal.name", which is no source/,
    ],
    [
      'a claim without a name',
      {},
      { requestHeaders: { set: { 'X-Own': { from: 'claims.' } } } },
      /from "claims.", which is no source/,
    ],
    [
      'a parameter that the path does not have',
      {},
      { requestHeaders: { set: { 'X-Own': { from: 'parameters.door' } } } },
      /from parameters.door, which the path does not have/,
    ],
    [
      'a parameter for an upstream',
      { requestHeaders: { set: { 'X-Own': { from: 'parameters.room' } } } },
      {},
      /only a route has parameters/,
    ],
    [
      'a principal beside the client\u2019s own',
      {},
      { requestHeaders: { add: { 'X-Own': { from: 'principal.id' } } } },
      /X-Own could come from the client too/,
    ],
    [
      'a claim beside the client\u2019s own',
      {},
      { requestHeaders: { add: { 'X-Own': { from: 'claims.a' } } } },
      /X-Own could come from the client too/,
    ],
    [
      'a response header of the gateway',
      {},
      { responseHeaders: { set: { 'X-Request-ID': '1' } } },
      /responseHeaders: X-Request-ID is written by the gateway/,
    ],
    [
      'a CORS header',
      {},
      { responseHeaders: { add: { 'Access-Control-Allow-Origin': '*' } } },
      /is written by the gateway/,
    ],
    ['another Vary', {}, { responseHeaders: { remove: ['Vary'] } }, /Vary is for caches/],
    [
      'a host with a path',
      { host: 'billing.internal/x' },
      {},
      /^billing-service, host: "billing.internal\/x" is no host/,
    ],
    ['a host with a blank', { host: 'a b' }, {}, /is no host/],
    ['a port that is none', { host: 'a:99999' }, {}, /is no host/],
    ['an empty host', { host: '' }, {}, /is no host/],
    [
      'an origin of a plain route',
      {},
      { origin: 'upstream' },
      /origin: only the handshake of a WebSocket has it/,
    ],
    [
      'an origin with a path',
      {},
      { origin: 'https://a.example/', websocket: {} },
      /origin: "https:\/\/a.example\/" is neither/,
    ],
    ['an origin of another scheme', {}, { origin: 'ws://a.example', websocket: {} }, /is neither/],
  ])('at %s', (_name, upstream, route, message) => {
    expect(() => exchangeFor(upstream, route)).toThrow(HeaderConfigurationError);
    expect(() => exchangeFor(upstream, route)).toThrow(message);
  });
});

describe('Host and Origin of a handshake', () => {
  const instance = { host: '10.0.0.1:8080', origin: 'https://10.0.0.1:8080' };

  it.each([
    [undefined, undefined, []],
    ['client', undefined, []],
    ['client', 'upstream', ['Origin', 'https://10.0.0.1:8080']],
    ['instance', 'upstream', ['Host', '10.0.0.1:8080', 'Origin', 'https://10.0.0.1:8080']],
    [
      'billing.internal:443',
      'upstream',
      ['Host', 'billing.internal:443', 'Origin', 'https://billing.internal'],
    ],
    ['[::1]:80', 'https://app.example', ['Host', '[::1]:80', 'Origin', 'https://app.example']],
  ])('are, with host %s and origin %s, %j', (host, origin, fields) => {
    const headers = headersOf({ ...(host !== undefined && { host }) });

    expect(headers.handshakeFields(origin, instance)).toEqual(fields);
  });

  it.each([
    [undefined, undefined],
    ['client', undefined],
    ['instance', undefined],
    ['billing.internal', 'billing.internal'],
  ])('of health checks, with host %s, is %s', (host, expected) => {
    expect(headersOf({ ...(host !== undefined && { host }) }).hostOfChecks).toBe(expected);
  });
});
