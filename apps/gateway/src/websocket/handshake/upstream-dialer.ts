import type { ClientRequest, IncomingMessage } from 'node:http';
import type { NetConnectOpts, Socket } from 'node:net';
import { SETTINGS, type Settings } from '@app/gateway';
import {
  dial,
  exceptionFor,
  failureKindOf,
  isUnavailable,
  UpstreamInvalidResponseException,
  type Attempts,
  type Instance,
  type FailureKind,
  type ProxyException,
} from '@app/proxy';
import { Inject, Injectable } from '@nestjs/common';
import { WebSocket } from 'ws';
import type { RelayDialer, UpstreamWebSocket } from '../relay/relay-record.js';
import { readBody, type AcceptedHandshake, type RefusedHandshake } from './client-handshake.js';
import type { UpstreamHandshake } from './upstream-handshake.js';
import type { WebSocketRoute } from './websocket-route.js';

type DialResult = AcceptedHandshake | RefusedHandshake;

/** A handshake for the upstream of a route. */
interface DialRequest {
  readonly route: WebSocketRoute;
  readonly handshake: UpstreamHandshake;
  /** Ends the dial when it aborts. */
  readonly signal: AbortSignal;
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
  async dial(request: DialRequest, withinMs = Infinity): Promise<DialResult> {
    const begunAt = performance.now();
    const until = begunAt + Math.min(this.config.proxy.responseHeadersTimeoutMs, withinMs);
    const { route, handshake } = request;
    const attempts = route.proxyRoute.proxy.createAttempts(begunAt, handshake.upstream);
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
      if (attempts.tryRetry({ kind, mayBeSent: now < until, isStale: false }, now)) return true;
      attempts.report('failed', now);
      return false;
    };
    const { connectTimeoutMs } = this.config.proxy.connections;
    for (;;) {
      try {
        const attempt = new InstanceDial(attempts.instance, request, connectTimeoutMs);
        const result = await attempt.run(until - performance.now());
        if (!saysUnavailable(result)) {
          attempts.succeeded(performance.now());
          return result;
        }
        if (!retry('status')) return result;
      } catch (error) {
        const kind = request.signal.aborted ? undefined : failureKindOf(error);
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

  dialFirst(signal: AbortSignal): Promise<DialResult> {
    return this.dialer.dial({ route: this.route, handshake: this.handshake, signal });
  }

  async dial(signal: AbortSignal, withinMs: number): Promise<UpstreamWebSocket | number> {
    const { route, handshake } = this;
    const result = await this.dialer.dial({ route, handshake, signal }, withinMs);
    return 'socket' in result ? result : result.response.statusCode!;
  }

  setToken(token: string): void {
    this.handshake.headers['Authorization'] = `Bearer ${token}`;
  }
}

/** One handshake with one instance. */
class InstanceDial {
  private readonly result = Promise.withResolvers<DialResult>();
  private readonly socket: WebSocket;
  private stream: Socket | undefined;
  private response: IncomingMessage | undefined;
  private subprotocol = '';
  private isOpen = false;

  constructor(
    private readonly instance: Instance,
    private readonly request: DialRequest,
    connectTimeoutMs: number,
  ) {
    const { route, handshake } = request;
    // Typed as `object`, because the types of `ws` lack some of these options.
    const options: object = {
      ...route.socketOptions,
      headers: handshake.headers,
      createConnection: (connection: NetConnectOpts) =>
        // `path` is the request's target here; a socket would take it for the path of a Unix domain socket.
        (this.stream = dial(Object.assign(connection, { path: undefined }), {
          timeoutMs: connectTimeoutMs,
          secure: instance.tlsOptions(),
        })),
      // `path` is the target as the client wrote it: a URL parser would rewrite some of its bytes.
      // Without `maxHeadersCount`, Node would drop headers above its default number.
      finishRequest: (sent: ClientRequest) =>
        Object.assign(sent, { path: handshake.target, maxHeadersCount: 0 }).end(),
    };
    this.socket = new WebSocket(instance.origin, options)
      .on('error', this.fail)
      .once('upgrade', this.onUpgrade)
      .once('open', this.onOpen)
      .once('unexpected-response', this.onRefusal);
  }

  async run(withinMs: number): Promise<DialResult> {
    const { signal } = this.request;
    const giveUp = (): void => this.socket.terminate();
    signal.addEventListener('abort', giveUp);
    // Bounds the time to the last byte of a refusal: the timeout of `ws` bounds only the time between two bytes.
    const timer = setTimeout(() => {
      this.fail(Object.assign(new Error('no response to the handshake'), { code: 'ETIMEDOUT' }));
      giveUp();
    }, withinMs);
    try {
      return await this.result.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      // After a complete response Node would keep the connection for a next request.
      if (!this.isOpen) this.stream?.destroy();
    }
  }

  private readonly fail = (error: Error): void => {
    const isConnected = this.stream?.connecting === false;
    this.result.reject(toException(error, this.request.route.upstream, isConnected));
  };

  private readonly onUpgrade = (response: IncomingMessage): void => {
    this.response = response;
    this.subprotocol = response.headers['sec-websocket-protocol'] ?? '';
    // `ws` demands, as browsers do, that the server choose an offered subprotocol; RFC 6455 lets a server choose none.
    delete response.headers['sec-websocket-protocol'];
  };

  private readonly onOpen = (): void => {
    const { socket, stream, subprotocol, response } = this;
    if (subprotocol !== '' && !this.request.handshake.offered.includes(subprotocol)) {
      this.fail(new Error(`subprotocol ${subprotocol} was not offered`));
      socket.terminate();
      return;
    }
    socket.pause();
    // The relay adds its own listeners; these would keep the whole handshake in memory.
    socket.removeAllListeners().on('error', ignore);
    this.isOpen = true;
    const instance = this.instance.origin;
    this.result.resolve({ socket, stream: stream!, subprotocol, instance, response: response! });
  };

  private readonly onRefusal = (_request: ClientRequest, response: IncomingMessage): void => {
    const status = response.statusCode!;
    if (status < 300) this.fail(new Error(`invalid response to the handshake: status ${status}`));
    readBody(response).then(
      (body) => this.result.resolve({ response, instance: this.instance.origin, body }),
      this.fail,
    );
  };
}

/**
 * Ignores an error that another listener handles. One function for all: a closure for each connection would stay in
 * V8's old generation.
 */
function ignore(): void {}

/** Whether the upstream refused because it is unavailable. */
function saysUnavailable(result: DialResult): boolean {
  return 'body' in result && isUnavailable(result.response.statusCode!);
}

/** @param isConnected whether the connection was established before it failed */
function toException(error: Error, upstream: string, isConnected: boolean): ProxyException {
  const stage = isConnected ? 'response_headers' : 'connect';
  const { code } = error as NodeJS.ErrnoException;
  // Errors of `ws` about a response have no code; codes of Node's parser begin with `HPE_`.
  return code === undefined || code.startsWith('HPE_')
    ? new UpstreamInvalidResponseException(upstream, 'response_headers', error)
    : exceptionFor(error, upstream, stage);
}
