import type { AffinityOptions } from './affinity-options.js';
import type { RouteOptions } from './route-options.js';
import { describeRoute, RouteTableConfigurationError } from './upstream-route.js';

const SOURCES: ReadonlySet<string> = new Set([
  'client',
  'header',
  'cookie',
  'query',
  'parameter',
  'gateway-cookie',
]);

/** Names of headers and cookies (RFC 9110, section 5.6.2). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A parameter of a query as it is sent. */
const QUERY_NAME = /^[^\s&=#?]+$/;

/** The path of a cookie (RFC 6265, section 4.1.1). */
const COOKIE_PATH = /^\/[!-:<-~]*$/;

/** An upstream with the affinity of its routes. */
export interface AffinityDefault {
  readonly name: string;
  readonly affinity?: AffinityOptions;
}

/** An affinity, with the name of its upstream. */
export type NamedAffinity = AffinityOptions & { readonly upstream: string };

/**
 * The affinity of a route, or that of its upstream; undefined for none.
 * @param route without a path for requests that come through a mounted proxy, which have no route
 * @throws RouteTableConfigurationError if it is invalid
 */
export function checkedAffinity(
  route: Partial<RouteOptions>,
  { name: upstream, affinity: declared }: AffinityDefault,
): NamedAffinity | undefined {
  const { path, methods, affinity = declared } = route;
  if (affinity === undefined || affinity === 'none') return undefined;
  const fault = affinityFault(affinity, path);
  if (fault === undefined) return { ...affinity, upstream };
  const where =
    path && methods ? describeRoute({ options: { ...route, path, methods }, upstream }) : upstream;
  throw new RouteTableConfigurationError(`${where} has an affinity ${fault}`);
}

/** The name of the gateway's cookie of an affinity, and the path that it holds for; undefined if it has none. */
export function gatewayCookieOf(affinity: NamedAffinity): { name: string; path: string } | undefined {
  if (affinity.by !== 'gateway-cookie') return undefined;
  return { name: affinity.name ?? `${affinity.upstream}-affinity`, path: affinity.path ?? '/' };
}

/**
 * Browsers keep one cookie of a name and path: two upstreams would take each other's instances away with every response.
 * @throws RouteTableConfigurationError if two upstreams have the same cookie
 */
export function checkCookies(affinities: readonly NamedAffinity[]): void {
  const owners = new Map<string, string>();
  for (const affinity of affinities) {
    const cookie = gatewayCookieOf(affinity);
    if (!cookie) continue;
    const { upstream } = affinity;
    const key = `${cookie.name} for ${cookie.path}`;
    const owner = owners.get(key) ?? upstream;
    if (owner !== upstream)
      throw new RouteTableConfigurationError(
        `${upstream} has the affinity cookie of ${owner}: ${key}; it needs a name or path of its own`,
      );
    owners.set(key, upstream);
  }
}

/** Why an affinity is invalid, in words that follow 'affinity'; undefined if it is valid. */
function affinityFault(options: AffinityOptions, routePath: string | undefined): string | undefined {
  const { by, loadFactor = 1 } = options;
  if (!SOURCES.has(by)) return `by ${by as string}; one of ${[...SOURCES].join(', ')} is possible`;
  if (!(loadFactor >= 1)) return `with the loadFactor ${loadFactor}; it is at least 1`;
  if (by === 'client') return undefined;
  const { name } = options;
  if (by === 'gateway-cookie') {
    const { path = '/' } = options;
    if (!COOKIE_PATH.test(path)) return `with an invalid path of the cookie: ${path}`;
    return name === undefined || TOKEN.test(name) ? undefined : `with an invalid name of the cookie: ${name}`;
  }
  if (
    by === 'parameter' &&
    routePath &&
    !routePath.split('/').some((segment) => [`:${name}`, `*${name}`, `{*${name}}`].includes(segment))
  )
    return `by the parameter ${name}, which its path does not have`;
  return (by === 'query' ? QUERY_NAME : TOKEN).test(name ?? '')
    ? undefined
    : `by ${by} with an invalid name: ${name}`;
}
