import { applyDecorators, Injectable, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { LoadBalancer } from './balancing/load-balancer.js';
import type { Gate } from './http/gate.js';
import type { ProxyHandlerOptions } from './proxy-handler.js';
import type { AffinityOptions } from './routing/affinity-options.js';
import type { HeaderRuleOptions } from './routing/header-rules.js';
import type { RouteOptions } from './routing/route-options.js';

/** What pages of allowed origins may do with an upstream (Fetch standard, section 3.2). */
export interface CorsOptions {
  /** Request headers beside those that every page may send. `*` is an error at boot: with credentials it allows nothing. */
  readonly allowedHeaders?: readonly string[];
  /** Response headers beside those that every page may read. */
  readonly exposedHeaders?: readonly string[];
  /** In capitals; GET, HEAD and POST need not be named. */
  readonly allowedMethods?: readonly string[];
  /** Seconds for which a browser may cache the response to a preflight, 0 to 86400. */
  readonly maxAgeSeconds?: number;
}

/** A service that requests go to. */
export interface UpstreamOptions extends HeaderRuleOptions {
  /**
   * The service's name in errors, logs and metrics: lower case letters, digits and single dashes, a letter first; unique.
   * A `-service` at its end makes no difference. A variable sets its instances: `BILLING_SERVICE_URL` those of `billing` or `billing-service`.
   */
  readonly name: string;

  /**
   * Instances if no setting names them, each as scheme, host and port: `http://billing:8080`. Default: none, which is an
   * error at boot unless a setting names some or the upstream is optional.
   */
  readonly instances?: readonly string[];

  /** Whether the application goes without this upstream and its routes if it has no instance. Default: false. */
  readonly isOptional?: boolean;

  /** Which requests and handshakes go to one instance. A route may have its own. Default: none, all are balanced by load. */
  readonly affinity?: AffinityOptions;

  /**
   * The load balancer of this upstream alone, a provider of any module. Default: that of all upstreams, see `LoadBalancer`.
   */
  readonly loadBalancer?: Type<LoadBalancer>;

  /** The routes; order does not matter. */
  readonly routes: readonly RouteOptions[];

  /** Gates of this upstream alone, run in this order after those of the gateway. Default: none. */
  readonly gates?: readonly Type<Gate>[];

  /**
   * Identity and override headers that this service gets from clients: `['X-HTTP-Method-Override']`. The gateway drops
   * them otherwise, because services trust them for who the client is, or for the method and path. Accepted in this
   * spelling alone, in any case. A name that frames a message, belongs to one connection or is written by the gateway is an
   * error at boot. Danger: any client can send any value, and no gate checks it. Default: none.
   */
  readonly acceptedHeaders?: readonly string[];

  /**
   * `Host` of requests and handshakes: `client` for the client's, `instance` for that of the instance, or a host such as
   * `billing.internal:8080`. `X-Forwarded-Host` has the client's all the same. Health checks have the given host, or else
   * that of the instance. Any other text is an error at boot. Danger: a service that makes absolute URLs or cookies from
   * another `Host` than the client's leads clients past the gateway, unless it reads `X-Forwarded-Host`. Default: `client`.
   */
  readonly host?: string;

  /** Each field replaces the gateway's own CORS setting. Default: the gateway's. */
  readonly cors?: CorsOptions;

  /**
   * Options of its `http-proxy-middleware`, which `@InjectProxy(NAME)` injects: a filter, rewriting and a router for requests
   * that come through it, and listeners for all requests of the upstream. Default: none.
   */
  readonly proxy?: ProxyHandlerOptions;

  /** The path of health checks. An instance is well if its status is below 500. Default: `/health`. */
  readonly healthPath?: string;
}

export const UpstreamMetadata = DiscoveryService.createDecorator<UpstreamOptions>();

/** Makes a provider class an upstream. The proxy finds it in every module of the application. */
export function Upstream(options: UpstreamOptions): ClassDecorator {
  return applyDecorators(Injectable(), UpstreamMetadata(options));
}
