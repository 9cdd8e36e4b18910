import { applyDecorators, Injectable, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { Gate } from './http/gate.js';
import type { RouteOptions } from './routing/route-options.js';

/** What pages of allowed origins may do with an upstream (Fetch standard, section 3.2). */
export interface CorsOptions {
  /** Request headers beside those that every page may send. `*` stops the boot: with credentials it allows nothing. */
  readonly allowedHeaders?: readonly string[];
  /** Response headers beside those that every page may read. */
  readonly exposedHeaders?: readonly string[];
  /** In capitals; GET, HEAD and POST need not be named. */
  readonly allowedMethods?: readonly string[];
  /** Seconds for which a browser may remember the answer to a preflight, 0 to 86400. */
  readonly maxAgeSeconds?: number;
}

/** A service that requests go to. */
export interface UpstreamOptions {
  /**
   * The service's name in errors, logs and metrics: lower case letters, digits and dashes, unique, ending in
   * `-service`. Its addresses come from the variable of this name where it is set: `billing-service` has
   * `BILLING_SERVICE_URL`.
   */
  readonly name: string;

  /** Where the service is while the variable is not set, each as scheme, host and port. */
  readonly instances: {
    /** In the compose network, where services have host names. */
    readonly compose: readonly string[];
    /** On one machine. */
    readonly local: readonly string[];
  };

  /** The rows; order does not matter. */
  readonly routes: readonly RouteOptions[];

  /** Gates of this upstream alone, run in this order after those of the gateway. Default: none. */
  readonly gates?: readonly Type<Gate>[];

  /**
   * Names that the gateway drops from all requests because services trust them to say who the client is, or which method
   * and path it means, and that this service is to get from clients all the same: `['X-HTTP-Method-Override']`. In
   * this spelling alone, in any case; names that frame a message, belong to one connection or are the gateway's to write
   * stop the boot. Danger: the name is any stranger's word, and no gate has looked at it. Default: none.
   */
  readonly acceptedHeaders?: readonly string[];

  /** Replaces the gateway's own CORS settings, each that is named. Default: the gateway's. */
  readonly cors?: CorsOptions;

  /** The path that answers below 500 while an instance is well. Default: `/health`. */
  readonly healthPath?: string;
}

export const UpstreamMetadata = DiscoveryService.createDecorator<UpstreamOptions>();

/** Makes a provider class an upstream: the proxy finds it in whichever module it stands. */
export function Upstream(options: UpstreamOptions): ClassDecorator {
  return applyDecorators(Injectable(), UpstreamMetadata(options));
}
