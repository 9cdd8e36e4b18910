import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpException } from '@nestjs/common';
import { pathOf } from '../routing/path-rules.js';
import type { Route } from '../routing/route.js';
import type { ProxyException } from './exceptions.js';
import { HeaderChanges } from './header-changes.js';
import type { Principal } from './principal.js';
import type { Peer } from './trusted-proxies.js';

/** What carries an exchange to an upstream and back. */
export interface ExchangeForward {
  /** Whether the response is a stream; see `RouteOptions.stream`. */
  readonly isStream: boolean;
  /** Ends the response behind a whole event, if it is an event stream; breaks off any other. See `Exchange.endEarly`. */
  endEarly(exception: ProxyException, retryMs?: number): void;
  /** Ends the exchange with an exception for the client, or breaks off a response that has begun. */
  fail(exception: ProxyException): void;
  /** The client's connection is closed, or the response is complete. */
  clientClosed(): void;
  /** The client has taken all that waited for it. */
  resume(): void;
}

/** A request that asks for another protocol. Node's HTTP parser no longer reads its connection. */
export interface Upgrade {
  /** The route that takes the upgrade, of the request's only look-up. */
  readonly route: Route;
  readonly socket: Socket;
}

/**
 * One request and all that is found out about it on its way; gates read it, logs and metrics are written from it.
 */
export class Exchange implements Peer {
  /** See `DenseMember`. @internal */
  slot = -1;

  /** `performance.now()` when the request's headers were complete. */
  readonly startedAt = performance.now();
  /** The request's target. A mounted proxy may rewrite that of the request. */
  readonly url: string;
  readonly peerAddress: string;
  readonly isPeerTrusted: boolean;
  readonly clientAddress: string;

  /** The route that matched; undefined for 404 and 405, and for controllers that are not in the route table. */
  route: Route | undefined;
  /** The upstream of the mounted proxy that forwards the request; undefined on routes of the table. */
  mountedUpstream: string | undefined;
  /** The path with its parameters unfilled; undefined if no route has the path. */
  template: string | undefined;
  /** Who sent the request; undefined before authentication, and on routes that ask for none. */
  principal: Principal | undefined;
  /** Undefined for a request that asks for no other protocol, or on a route that takes none. @internal */
  upgrade: Upgrade | undefined;
  /** Undefined until the exchange is sent to an upstream. @internal */
  forward: ExchangeForward | undefined;

  /** Headers that the gateway adds to the response, of an upstream or its own: name, value, name, value. */
  readonly responseHeaders: string[] = [];
  /** Changes of the headers for the service, by rules and gates; undefined if there are none. @internal */
  requestChanges: HeaderChanges | undefined;
  /** Changes of the headers of the service's response, by rules; undefined if there are none. @internal */
  responseChanges: HeaderChanges | undefined;

  /** The address of the instance that was asked last. */
  instance: string | undefined;
  /** Number of attempts. */
  attemptCount = 0;
  /** Whether the last attempt went over a connection that had served before. */
  reusedConnection = false;
  /** `performance.now()` at the steps of the last attempt, 0 if it was not reached: sent to an instance, */
  attemptedAt = 0;
  /** written to a connection, */
  connectedAt = 0;
  /** its body written too, */
  sentAt = 0;
  /** response headers there. */
  responseAt = 0;
  /** Bytes of the request's body that were read. */
  requestBytes = 0;
  /** Bytes of the response's body that a service sent. */
  responseBytes = 0;

  /** What went wrong, if anything. */
  failure: HttpException | undefined;

  /** @internal */
  hasSwitchedProtocols = false;

  /** Whether the connection may serve on once the client was told to send its body. */
  private keepAliveOnceContinued = false;
  /** Whether the client waits for `100 Continue` before it sends its body. @internal */
  waitsForContinue = false;

  constructor(
    /** The id in `X-Request-ID`. */
    readonly id: string,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    peer: Peer,
  ) {
    this.url = request.url!;
    this.peerAddress = peer.peerAddress;
    this.isPeerTrusted = peer.isPeerTrusted;
    this.clientAddress = peer.clientAddress;
    (request as WithExchange)[EXCHANGE] = this;
  }

  /** The name of the upstream: that of the route, or that of a mounted proxy. */
  get upstream(): string | undefined {
    return this.route?.upstream ?? this.mountedUpstream;
  }

  /**
   * Changes of the headers for the service, in its request or its handshake and in all retries. For gates: later changes
   * come too late. A changed name is no longer changed by the rules of the route or of the upstream.
   */
  get requestHeaders(): HeaderChanges {
    return (this.requestChanges ??= new HeaderChanges());
  }

  /**
   * The decoded value of a path parameter; undefined if the route has none of that name. A wildcard has the rest of the path,
   * with its slashes.
   */
  parameter(name: string): string | undefined {
    const position = this.route?.parameters.get(name);
    if (position === undefined) return undefined;
    const segments = pathOf(this.request.url!)
      .split('/')
      .slice(position + 1);
    // Cannot throw: the proxy refuses a path that is not UTF-8.
    return decodeURIComponent(name === this.route!.wildcard ? segments.join('/') : segments[0]!);
  }

  /**
   * The client waits for `100 Continue` before it sends its body (RFC 9110, section 10.1.1). After an error response it may
   * send the body or not, and a body would look like the next request: so without 100 the connection ends.
   * @internal
   */
  expectContinue(): void {
    this.waitsForContinue = true;
    this.keepAliveOnceContinued = this.response.shouldKeepAlive;
    this.response.shouldKeepAlive = false;
  }

  /** Tells a client that waits for it to send its body. @internal */
  writeContinue(): void {
    if (!this.waitsForContinue) return;
    this.waitsForContinue = false;
    this.response.shouldKeepAlive = this.keepAliveOnceContinued;
    this.response.writeContinue();
  }

  /**
   * Ends the exchange of an upgrade with 101: its connection, which stays open, speaks another protocol from now on (RFC 9110,
   * section 15.2.2).
   * @internal
   */
  switchProtocols(): void {
    const { response } = this;
    this.hasSwitchedProtocols = true;
    response.statusCode = 101;
    response.detachSocket(this.upgrade!.socket);
    response.emit('close');
  }

  /** Whether the response is a stream of a service; see `RouteOptions.stream`. */
  get isStream(): boolean {
    return this.forward?.isStream ?? false;
  }

  /**
   * Ends the exchange for a reason of the gateway's own. If the response has not begun, the client gets the exception. An
   * event stream ends behind the event in progress. Any other response, or an event stream whose events cannot be found,
   * ends with its connection, so that the client does not take it for complete.
   * @param retryMs milliseconds after which the client of an event stream is told to come back. Default: it is told nothing
   */
  endEarly(exception: ProxyException, retryMs?: number): void {
    if (this.forward) this.forward.endEarly(exception, retryMs);
    else this.breakOff(exception);
  }

  /** As `endEarly`, without waiting for the end of an event. @internal */
  breakOff(exception: ProxyException): void {
    if (this.forward) {
      this.forward.fail(exception);
    } else {
      this.failure ??= exception;
      this.response.destroy();
    }
  }

  /** Makes this exchange the last of its connection, if the response headers are not sent yet. @internal */
  endConnection(): void {
    this.keepAliveOnceContinued = false;
    if (!this.response.headersSent) this.response.shouldKeepAlive = false;
  }
}

const EXCHANGE = Symbol('exchange');

interface WithExchange {
  [EXCHANGE]?: Exchange;
}

/** The exchange that a request belongs to; undefined before the request context opened one. */
export function exchangeOf(request: IncomingMessage): Exchange | undefined {
  return (request as WithExchange)[EXCHANGE];
}
