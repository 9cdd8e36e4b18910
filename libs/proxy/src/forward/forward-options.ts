import type { CompiledHeaderRules } from '../headers/compiled-header-rules.js';
import type { RequestHeaderOptions } from '../headers/request-headers.js';
import type { ProxyException } from '../http/exceptions.js';
import type { Affinity } from '../balancing/affinity.js';
import type { Exchange } from '../http/exchange.js';
import type { Gate } from '../http/gate.js';
import type { Ticker } from '../http/ticker.js';
import type { ResponseHead } from '../transport/response-head.js';
import type { SlowReaderLimit } from './slow-reader-limit.js';
import type { StreamedBodyLimit } from './streamed-body-limit.js';

export interface MinimumRate {
  /** Fewest bytes a second of a body, on average over each grace period. */
  readonly bytesPerSecond: number;
  /** Milliseconds of a grace period. The rate is checked at its end. */
  readonly graceMs: number;
}

/** Timeouts and limits of an exchange. A route may have its own. */
export interface ForwardLimits {
  /** Milliseconds from the end of the request's body to the response headers, over all attempts. */
  readonly requestTimeoutMs: number;
  /** Milliseconds from the end of one attempt's request to its response headers. At most `requestTimeoutMs`. */
  readonly responseHeadersTimeoutMs: number;
  /** Longest time in milliseconds without a byte of a body in either direction. */
  readonly streamIdleTimeoutMs: number;
  /** Longest time in milliseconds without a byte of a stream. */
  readonly eventStreamIdleTimeoutMs: number;
  /** Largest request body in bytes. */
  readonly bodyLimitBytes: number;
  readonly minimumRate: MinimumRate;
}

/** How the event streams of a route pass. */
export interface EventStreamOptions {
  /** Whether a stream that an instance cuts goes on at another; see `EventStreamPolicy.resume`. */
  readonly resumes: boolean;
  /** Milliseconds of silence before a comment; 0 for none. */
  readonly heartbeatMs: number;
}

/** The listeners of an upstream's `http-proxy-middleware`; see `ProxyListeners`. */
export interface ForwardListeners {
  /** @param fields name, value, name, value; listeners change them @throws ProxyException */
  onRequest(exchange: Exchange, target: string, fields: string[]): void;
  /** @returns the head for the client @throws ProxyException */
  onResponse(exchange: Exchange, head: ResponseHead): ResponseHead;
  /** @returns whether a listener has responded to the client */
  onError(exchange: Exchange, exception: ProxyException): boolean;
}

/** Options of the forwards of one route, made at boot. */
export interface ForwardOptions extends RequestHeaderOptions {
  /** The name of the upstream. */
  readonly upstream: string;
  readonly limits: ForwardLimits;
  readonly ticker: Ticker;
  /** Whether the response has `X-Gateway-Attempts`, the number of attempts. */
  readonly showsAttempts: boolean;
  /** Whether a small request with an `Idempotency-Key` may be sent again. */
  readonly retriesKeyed: boolean;
  /** Whether the service responds to `Expect: 100-continue`. */
  readonly passesExpect: boolean;
  /** Undefined if instances are picked by load alone. */
  readonly affinity: Affinity | undefined;
  /** Whether every response is a stream; else event streams are. See `RouteOptions.stream`. */
  readonly isStream: boolean;
  readonly events: EventStreamOptions;
  readonly streamedBodyLimit: StreamedBodyLimit;
  readonly slowReaderLimit: SlowReaderLimit;
  /** Undefined if the route has no rules, and its upstream neither. */
  readonly headerRules: CompiledHeaderRules | undefined;
  /** `Host` of requests: `instance`, or a given one; undefined for that of the client. */
  readonly host: string | undefined;
  /** Undefined if no event has a listener. */
  readonly listeners: ForwardListeners | undefined;
  /** Gates with `onResponse`. */
  readonly observers: readonly Gate[];
}
