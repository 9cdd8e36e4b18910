import type { AuthOptions } from '@app/auth';
import type { ProxyOptions, TrustOptions } from '@app/proxy';

/** Everything that can be set, read once before the application is made, and frozen. */
export interface GatewayConfig {
  /** The gateway's name in logs, metrics and health. */
  readonly serviceName: 'api-gateway';
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly trust: TrustOptions;
  readonly auth: AuthOptions;
  readonly server: ServerConfig;
  readonly proxy: Omit<ProxyOptions, 'gates'>;
  readonly drain: DrainConfig;
}

export interface ServerConfig {
  /** Largest header block of a request in bytes; past it 431. */
  readonly headerLimitBytes: number;
  /** Milliseconds until a request's headers must be complete; past it 408. */
  readonly headerTimeoutMs: number;
  /** Milliseconds that an unused client connection is kept. */
  readonly keepAliveMs: number;
}

export interface DrainConfig {
  /** Milliseconds in which requests are still accepted after the signal, until readers of readiness noticed it. */
  readonly noticeMs: number;
  /** Milliseconds after that until what is left is destroyed. */
  readonly timeoutMs: number;
}

export const GATEWAY_CONFIG = Symbol('GATEWAY_CONFIG');
