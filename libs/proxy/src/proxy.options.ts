import { ConfigurableModuleBuilder, type Type } from '@nestjs/common';
import type { Gate } from './http/gate.js';
import type { DnsOptions } from './balancing/dns-addresses.js';
import type { HealthCheckOptions } from './balancing/health-checks.js';
import type { HealthOptions } from './balancing/instance-health.js';
import type { InstanceOptions } from './balancing/instance.js';
import type { UpstreamInstancesOptions } from './balancing/upstream-instances.js';
import type { ControllerRouteOptions } from './routing/route-options.js';
import type { TlsOptions } from './transport/tls-files.js';
import type { StreamedBodyLimitOptions } from './forward/streamed-body-limit.js';
import type { RequestHeaderOptions } from './headers/request-headers.js';
import type { ForwardLimits } from './forward/forward-options.js';
import type { Provided } from './http/resolve-options.js';

interface ProxyExtras {
  /** Whether every module may inject what `ProxyModule` exports without importing it. Default: false. */
  readonly isGlobal?: boolean;
}

export interface RetryOptions {
  /** Most retries of one request. */
  readonly maxRetries: number;
  /** Most retries as a share of recent requests, 0 to 1. */
  readonly budgetRatio: number;
  /** Whether responses have `X-Gateway-Attempts`, the number of attempts. */
  readonly showsAttempts: boolean;
}

/** All options of the proxy; `PROXY_DEFAULTS` has what a team does not give. */
export interface ResolvedProxyOptions extends ForwardLimits, RequestHeaderOptions {
  /** Gates of every exchange, in this order. */
  readonly gates: readonly Gate[];

  /**
   * Gates of the application, providers of any module. They run in this order for every exchange after `gates`, but for the
   * preflights that a service responds to. Default: none.
   */
  readonly applicationGates: readonly Type<Gate>[];

  /** Routes of controllers. An upstream with the same path and method is an error at boot. */
  readonly controllerRoutes: readonly ControllerRouteOptions[];

  /** Instances by `settingNameOf` the upstream. Default: the upstream's own. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;

  /** The setting that names the instances of an upstream, for errors: `BILLING_SERVICE_URL`. */
  readonly addressSettingFor: (upstream: string) => string;

  /** Whether an address is the gateway's own: as an instance, it would send every request round in circles. */
  readonly isOwnAddress: (address: URL) => boolean;

  readonly connections: InstanceOptions;
  /** TLS by `settingNameOf` the upstream. Default: Node's certificates are trusted, and no client certificate is sent. */
  readonly tls: ReadonlyMap<string, TlsOptions>;
  /** Milliseconds between two polls of the files of `tls`. */
  readonly tlsPollMs: number;
  readonly health: HealthOptions;
  readonly checks: HealthCheckOptions;
  readonly dns: DnsOptions;
  /** The key of the ids by which cookies of affinity name instances; the same in every gateway. Default: random. */
  readonly affinitySecret: string;
  readonly retries: RetryOptions;
  /** Limits the requests whose bodies are streamed. */
  readonly streamedBodyLimit: StreamedBodyLimitOptions;
  /** Milliseconds for which an open circuit breaker sends no request to its upstream. */
  readonly breakerOpenMs: number;

  /** Milliseconds between two checks of the timeouts. A timeout may be late by as much. */
  readonly clockTickMs: number;
}

/** Options of the proxy of one upstream. */
export interface UpstreamProxyOptions extends ResolvedProxyOptions, UpstreamInstancesOptions {}

/** What a team gives to `ProxyModule.forRoot`. All are optional; the defaults are those of the gateway's settings. */
export type ProxyOptions = Provided<ResolvedProxyOptions>;

/** The token of `ResolvedProxyOptions`. */
export const PROXY_OPTIONS = Symbol('PROXY_OPTIONS');

export const { ConfigurableModuleClass: ConfigurableProxyModule, MODULE_OPTIONS_TOKEN: GIVEN_PROXY_OPTIONS } =
  new ConfigurableModuleBuilder<ProxyOptions>({ moduleName: 'Proxy' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createProxyOptions')
    .setExtras<ProxyExtras>({ isGlobal: false }, (definition, { isGlobal = false }) => ({
      ...definition,
      global: isGlobal,
    }))
    .build();
