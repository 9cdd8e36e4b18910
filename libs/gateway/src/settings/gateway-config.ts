import type { AuthOptions } from '@app/auth';
import type { CorsOptions, ProxyOptions, TrustOptions, WebSocketPolicy } from '@app/proxy';

/** Everything that can be set, read once before the application is made, and frozen. */
export interface GatewayConfig {
  /** The gateway's name in logs, metrics and health. */
  readonly serviceName: 'api-gateway';
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly cors: CorsConfig;
  readonly trust: TrustOptions;
  readonly auth: Omit<AuthOptions, 'redis'>;
  readonly redis: RedisConfig;
  readonly rateLimit: RateLimitConfig;
  readonly server: ServerConfig;
  readonly proxy: Omit<ProxyOptions, 'gates'>;
  readonly websocket: WebSocketConfig;
  readonly overload: OverloadConfig;
  readonly drain: DrainConfig;
}

export interface CorsConfig extends Required<CorsOptions> {
  /** Pages that may talk to the gateway, beside those of its own. */
  readonly allowedOrigins: ReadonlySet<string>;
}

export interface RedisConfig {
  /** `redis://` or, with TLS, `rediss://`. */
  readonly url: string;
  /** Where the URL has none. */
  readonly password: string | undefined;
  /** Milliseconds that a command may take; past it Redis is bypassed. */
  readonly commandTimeoutMs: number;
}

export interface RateLimitConfig {
  /** Whether requests are limited at all. */
  readonly isOn: boolean;
  /** Requests a minute, by a limit's name, where it is not what its route says. */
  readonly perMinute: ReadonlyMap<string, number>;
  /** How many gateways share the requests; without Redis each lets its part pass. */
  readonly replicas: number;
}

export interface ServerConfig {
  /** Largest header block of a request in bytes; past it 431. */
  readonly headerLimitBytes: number;
  /** Milliseconds until a request's headers must be complete; past it 408. */
  readonly headerTimeoutMs: number;
  /** Milliseconds that an unused client connection is kept. */
  readonly keepAliveMs: number;
  /** Client connections without a request, at most; past it those that have been idle longest are closed. */
  readonly idleConnections: number;
  /** The same of one client network; trusted proxies have no such bound. */
  readonly idleConnectionsPerNetwork: number;
}

export interface WebSocketConfig {
  /** What a route's policy does not say. */
  readonly defaults: Required<Omit<WebSocketPolicy, 'resume' | 'closesAtExpiry'>>;
  /** Milliseconds between two pings to each side; a peer that misses two is dropped. */
  readonly pingMs: number;
  /** Milliseconds for which one side may be held back because the other does not read. */
  readonly stallMs: number;
  /** Milliseconds that a peer has to answer a close frame. */
  readonly closeTimeoutMs: number;
  /**
   * Bytes that all sockets of the process may hold: messages that are incomplete, wait for a slow reader, or are kept
   * for a service that is away.
   */
  readonly bufferBytes: number;
  /** Milliseconds for which a service that went away is waited for. */
  readonly resumeMs: number;
  /** Bytes of a client's messages that wait meanwhile, for each socket. */
  readonly resumeBytes: number;
}

/** From where on new requests and WebSockets are refused with 503. */
export interface OverloadConfig {
  /** Milliseconds by which the event loop is late, in two looks one after the other. */
  readonly eventLoopMs: number;
  /** Percent of the container's memory, where it is limited, or of the heap that V8 allows. */
  readonly memoryPercent: number;
  /** Requests that are being served at a time. */
  readonly inFlight: number;
}

export interface DrainConfig {
  /** Milliseconds in which requests are still accepted after the signal, until readers of readiness noticed it. */
  readonly noticeMs: number;
  /** Milliseconds after that until what is left is destroyed. */
  readonly timeoutMs: number;
}

export const GATEWAY_CONFIG = Symbol('GATEWAY_CONFIG');
