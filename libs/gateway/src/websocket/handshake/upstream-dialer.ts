import type { Socket } from 'node:net';
import { createWebSocket } from '../../http/ws-internals.js';
import { SETTINGS, type Settings } from '../../settings/complete-settings.js';
import {
  exceptionFor,
  failureKindOf,
  HandshakeTimeoutError,
  isUnavailable,
  randomNonce,
  type Attempts,
  type Exchange,
  type Instance,
  type FailureKind,
  type ResponseHead,
  type UpgradeCall,
  type UpgradeListener,
} from '@app/proxy/internal';
import { Inject, Injectable } from '@nestjs/common';
import type { RelayDialer, UpstreamWebSocket } from '../relay/relay-record.js';
import type { AcceptedHandshake, RefusedHandshake } from './client-handshake.js';
import { Cancellation } from './cancellation.js';
import { formatHandshake, subprotocolOf, type UpstreamHandshake } from './upstream-handshake.js';
import type { WebSocketRoute } from './websocket-route.js';

type DialResult = AcceptedHandshake | RefusedHandshake;

/** A handshake for the upstream of a route. */
interface DialRequest {
  readonly route: WebSocketRoute;
  readonly handshake: UpstreamHandshake;
  readonly cancellation: Cancellation;
  /** Gets the number of attempts and the last instance. Undefined for a resumption: the exchange has ended. */
  readonly exchange?: Exchange;
}

/** Opens WebSockets to upstreams. */
@Injectable()
export class UpstreamDialer {
  constructor(@Inject(SETTINGS) private readonly config: Settings) {}

  /**
   * Opens a WebSocket to an upstream. If one instance fails, tries another: before its 101 a handshake has no effect.
   * @param withinMs milliseconds for all attempts together, if that is less than the timeout for response headers
   * @throws ProxyException if the upstream cannot be reached, is late, or sends an invalid response
   */
  async dial(request: DialRequest, withinMs: number): Promise<DialResult> {
    const begunAt = performance.now();
    const until = begunAt + Math.min(this.config.proxy.responseHeadersTimeoutMs, withinMs);
    const { route, handshake } = request;
    const attempts = route.proxyRoute.proxy.createAttempts(begunAt, request.exchange, handshake.picker);
    try {
      attempts.startFirst(begunAt);
      return await this.dialAny(attempts, request, until);
    } finally {
      attempts.end(performance.now());
    }
  }

  /** @param until time by which the dial must be over, in milliseconds of `performance.now()` */
  private async dialAny(attempts: Attempts, request: DialRequest, until: number): Promise<DialResult> {
    /** Counts the attempt as failed. @returns whether another attempt has begun */
    const retry = (kind: FailureKind): boolean => {
      const now = performance.now();
      // Before its 101 a handshake has no effect.
      if (attempts.tryRetry({ kind, canRetry: now < until, isStale: false }, now)) return true;
      attempts.report('failed', now);
      return false;
    };
    const { exchange } = request;
    for (;;) {
      if (exchange) {
        exchange.attemptCount = attempts.count;
        exchange.instance = attempts.instance.origin;
      }
      try {
        const result = await new InstanceDial(attempts.instance, request, until).result;
        if (!saysUnavailable(result)) {
          attempts.succeeded(performance.now());
          return result;
        }
        if (!retry('status')) return result;
      } catch (error) {
        const kind = request.cancellation.isCancelled ? undefined : failureKindOf(error);
        if (kind === undefined || !retry(kind)) throw error;
      }
    }
  }
}

/** Dials the upstream of one client with the client's handshake, at first and for each resumption. */
export class ClientDialer implements RelayDialer {
  constructor(
    private readonly dialer: UpstreamDialer,
    private readonly route: WebSocketRoute,
    private readonly handshake: UpstreamHandshake,
  ) {}

  dialFirst(exchange: Exchange, cancellation: Cancellation): Promise<DialResult> {
    const { route, handshake } = this;
    return this.dialer.dial({ route, handshake, cancellation, exchange }, Infinity);
  }

  async dial(signal: AbortSignal, withinMs: number): Promise<UpstreamWebSocket | number> {
    const { route, handshake } = this;
    const cancellation = new Cancellation();
    const cancel = (): void => cancellation.cancel();
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel);
    try {
      const result = await this.dialer.dial({ route, handshake, cancellation }, withinMs);
      return 'socket' in result ? result : result.response.status;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  setToken(token: string): void {
    if (this.handshake.isTokenPassed) this.handshake.authorization = `Bearer ${token}`;
  }
}

/** One handshake with one instance. Its result rejects with a `ProxyException`. */
class InstanceDial implements UpgradeListener {
  readonly result: Promise<DialResult>;
  private readonly key = randomNonce();
  private readonly call: UpgradeCall;
  private readonly timer: NodeJS.Timeout;
  private resolve!: (result: DialResult) => void;
  private reject!: (error: Error) => void;

  /** @param until time by which a refusal must be whole, in milliseconds of `performance.now()` */
  constructor(
    instance: Instance,
    private readonly request: DialRequest,
    until: number,
  ) {
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    const { proxy, options } = request.route.proxyRoute;
    const own = proxy.headers.handshakeFields(options.origin, instance);
    this.call = instance.requestUpgrade(formatHandshake(request.handshake, this.key, own), this);
    this.timer = setTimeout(this.giveUp, until - performance.now());
    request.cancellation.onCancel = this.giveUp;
  }

  onUpgrade(response: ResponseHead, stream: Socket, early: Buffer): void {
    const { handshake, route } = this.request;
    try {
      const subprotocol = subprotocolOf(response, this.key, handshake.offered);
      this.stop();
      const connection = { stream, early, subprotocol, isServer: false };
      const socket = createWebSocket(connection, route.socketOptions).on('error', ignore);
      socket.pause();
      this.resolve({ socket, stream, subprotocol, response });
    } catch (error) {
      stream.destroy();
      this.onError(error as Error, true);
    }
  }

  onRefusal(response: ResponseHead, body: Buffer): void {
    this.stop();
    this.resolve({ response, body });
  }

  onError(error: Error, isConnected: boolean): void {
    this.stop();
    const stage = isConnected ? 'response_headers' : 'connect';
    this.reject(exceptionFor(error, this.request.route.upstream, stage));
  }

  private readonly giveUp = (): void => this.call.cancel(new HandshakeTimeoutError());

  private stop(): void {
    clearTimeout(this.timer);
    this.request.cancellation.onCancel = undefined;
  }
}

/**
 * Ignores an error that another listener handles. One function for all: a closure for each connection would stay in
 * V8's old generation.
 */
function ignore(): void {}

/** Whether the upstream refused because it is unavailable. */
function saysUnavailable(result: DialResult): boolean {
  return 'body' in result && isUnavailable(result.response.status);
}
