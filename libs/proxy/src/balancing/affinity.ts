import { createHmac } from 'node:crypto';
import { networkOf } from '../http/client-network.js';
import type { Exchange } from '../http/exchange.js';
import { ownProtocolOf } from '../http/own-protocol.js';
import {
  checkedAffinity,
  gatewayCookieOf,
  type AffinityDefault,
  type NamedAffinity,
} from '../routing/checked-affinity.js';
import type { RouteOptions } from '../routing/route-options.js';
import type { Instance } from './instance.js';
import type { UpstreamInstances } from './upstream-instances.js';
import { hashOf } from './key-hash.js';
import { loadLimitOf, pickByHash } from './rendezvous.js';

const LOAD_FACTOR = 1.25;

/** Finds the instance that an exchange belongs to, by a key of its request. */
export class Affinity {
  private readonly ids = new WeakMap<Instance, string>();
  private readonly cookieName: string;
  private readonly loadFactor: number;

  /** @param secret the key of the ids by which cookies name instances */
  private constructor(
    readonly options: NamedAffinity,
    private readonly instances: UpstreamInstances,
    private readonly secret: string,
  ) {
    this.loadFactor = options.loadFactor ?? LOAD_FACTOR;
    this.cookieName = gatewayCookieOf(options)?.name ?? (options.by === 'cookie' ? options.name : '');
  }

  /** The affinity of a route or of its upstream; undefined if they have none. @throws RouteTableConfigurationError if it is invalid */
  static of(
    route: Partial<RouteOptions>,
    upstream: AffinityDefault,
    instances: UpstreamInstances,
    secret: string,
  ): Affinity | undefined {
    const options = checkedAffinity(route, upstream);
    return options && new Affinity(options, instances, secret);
  }

  /** The key of an exchange; undefined if its request has none. Of a field or parameter that occurs twice, the first counts. */
  keyOf(exchange: Exchange): string | undefined {
    const { options } = this;
    switch (options.by) {
      case 'client':
        return networkOf(exchange.clientAddress);
      case 'header':
        return headerOf(exchange, options.name.toLowerCase());
      case 'query':
        return queryParameterOf(exchange.url, options.name);
      case 'parameter':
        return exchange.parameter(options.name);
      default:
        return cookieOf(exchange.request.headers.cookie, this.cookieName);
    }
  }

  /** The instance for the next attempt; undefined to balance by load. */
  pick(key: string, tried: readonly Instance[], now: number): Instance | undefined {
    const candidates = this.instances.candidates(tried);
    const limit = loadLimitOf(this.instances.all, this.loadFactor);
    if (this.options.by !== 'gateway-cookie') return pickByHash(candidates, hashOf(key), limit, now);
    const named = candidates.find((instance) => this.idOf(instance) === key);
    return named && named.activeRequests < limit ? named : undefined;
  }

  /** Names the instance that has responded in a cookie, unless the client has one that names an instance that is up. */
  describe(exchange: Exchange): void {
    if (this.options.by !== 'gateway-cookie') return;
    const key = this.keyOf(exchange);
    const { all } = this.instances;
    if (key !== undefined && all.some((each) => each.health.isUp && this.idOf(each) === key)) return;
    const instance = all.find(({ origin }) => origin === exchange.instance);
    if (instance) exchange.responseHeaders.push('Set-Cookie', this.formatCookie(instance, exchange));
  }

  private formatCookie(instance: Instance, exchange: Exchange): string {
    const { path = '/' } = this.options as { readonly path?: string };
    const attributes = `Path=${path}; HttpOnly; SameSite=Lax${isSecure(exchange) ? '; Secure' : ''}`;
    return `${this.cookieName}=${this.idOf(instance)}; ${attributes}`;
  }

  /** An id that is the same in every gateway, and from which no address can be computed without the secret. */
  private idOf(instance: Instance): string {
    let id = this.ids.get(instance);
    if (id === undefined) {
      const text = `${this.options.upstream} ${instance.origin}`;
      const digest = createHmac('sha256', this.secret).update(text).digest();
      id = digest.subarray(0, 16).toString('base64url');
      this.ids.set(instance, id);
    }
    return id;
  }
}

function headerOf({ request }: Exchange, lower: string): string | undefined {
  const value = request.headers[lower];
  return (typeof value === 'string' && value) || undefined;
}

/** The value of a query's parameter as it was sent, names too: what is encoded differently is different. */
function queryParameterOf(target: string, name: string): string | undefined {
  const query = target.indexOf('?');
  if (query === -1) return undefined;
  return valueOf(target.slice(query + 1).split('&'), name);
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  return header === undefined ? undefined : valueOf(header.split(/; ?/), name);
}

/** The value of the first pair `name=value` with this name; undefined if there is none, or it is empty. */
function valueOf(pairs: readonly string[], name: string): string | undefined {
  const start = `${name}=`;
  return pairs.find((pair) => pair.startsWith(start))?.slice(start.length) || undefined;
}

/** Whether the client came by https, itself or to a trusted proxy in front. */
function isSecure({ request, isPeerTrusted }: Exchange): boolean {
  const proto = isPeerTrusted ? request.headers['x-forwarded-proto'] : undefined;
  return typeof proto === 'string'
    ? /^(?:https|wss)(?:,|$)/i.test(proto)
    : ownProtocolOf(request.socket) === 'https';
}
