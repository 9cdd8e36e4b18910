import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { Gate } from './http/gate.js';
import type { DnsOptions } from './balancing/dns-addresses.js';
import type { HealthCheckOptions } from './balancing/health-checks.js';
import type { HealthOptions } from './balancing/instance-health.js';
import type { InstanceOptions } from './balancing/instance.js';
import type { ControllerRouteOptions } from './routing/route-options.js';
import type { TlsOptions } from './transport/tls-files.js';
import type { StreamedBodyLimitOptions } from './forward/streamed-body-limit.js';
import type { MinimumRate } from './forward/request-body.js';

export interface RetryOptions {
  /** How often a request may be sent again. */
  readonly maxRetries: number;
  /** The part of recent requests that may be, 0 to 1. */
  readonly budgetRatio: number;
  /** Whether a response says in `X-Gateway-Attempts` how often its request was sent. */
  readonly showsAttempts: boolean;
}

/** What the proxy must be told; it has no defaults of its own, the application states them once. */
export interface ProxyOptions {
  /** Run for every exchange, in this order. */
  readonly gates: readonly Gate[];

  /** Routes that controllers answer. An upstream that has the same path and method stops the boot. */
  readonly controllerRoutes: readonly ControllerRouteOptions[];

  /** Addresses by upstream name, where they differ from the upstream's own. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;

  /** Which of an upstream's own addresses count: those of the compose network or those of one machine. */
  readonly network: 'compose' | 'local';

  /** Whether an address is the gateway's own; such an upstream would make every request go round for ever. */
  readonly isOwnAddress: (address: URL) => boolean;

  readonly connections: InstanceOptions;
  /** By upstream name; without an entry, Node's own certificates are trusted, and no client certificate is sent. */
  readonly tls: ReadonlyMap<string, TlsOptions>;
  /** Milliseconds between two polls of the files of `tls`. */
  readonly tlsPollMs: number;
  readonly health: HealthOptions;
  readonly checks: HealthCheckOptions;
  readonly dns: DnsOptions;
  readonly retries: RetryOptions;
  /** Limits the requests whose bodies are streamed. */
  readonly streamedBodyLimit: StreamedBodyLimitOptions;
  /** Milliseconds for which a service that fails is not asked. */
  readonly breakerOpenMs: number;

  /** Milliseconds from the end of a request's body to the response headers, over all attempts. */
  readonly requestTimeoutMs: number;
  /** Milliseconds that one attempt has until its response headers. Below `routeDeadlineMs`. */
  readonly responseHeadersTimeoutMs: number;
  /** Milliseconds without a byte of a body after which an exchange is ended. */
  readonly streamIdleTimeoutMs: number;
  /** The same for `text/event-stream`. */
  readonly eventStreamIdleTimeoutMs: number;
  /** Largest request body in bytes of a route that names none. */
  readonly bodyLimitBytes: number;
  readonly minimumRate: MinimumRate;
  /** Milliseconds between two looks at the clocks, and so how late one may fire. */
  readonly clockTickMs: number;
}

export const { ConfigurableModuleClass: ConfigurableProxyModule, MODULE_OPTIONS_TOKEN: PROXY_OPTIONS } =
  new ConfigurableModuleBuilder<ProxyOptions>().setClassMethodName('forRoot').build();
