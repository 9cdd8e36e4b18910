import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpException } from '@nestjs/common';
import type { DenseMember } from './dense-set.js';
import { pathOf } from '../routing/path-rules.js';
import type { RouteOptions } from '../routing/route-options.js';
import type { Peer } from './trusted-proxies.js';

/**
 * One request and all that is found out about it on its way; gates read it, logs and metrics are written from it.
 */
export class Exchange implements Peer, DenseMember {
  slot = -1;

  /** `performance.now()` when the request's headers were complete. */
  readonly startedAt = performance.now();
  readonly peerAddress: string;
  readonly isPeerTrusted: boolean;
  readonly clientAddress: string;

  /** The row that matched; undefined where no upstream has one: the application's own controllers or 404. */
  route: RouteOptions | undefined;
  /** The name of the upstream that owns the row. */
  upstream: string | undefined;
  /** The path with its parameters unfilled; undefined where no row names it. */
  template: string | undefined;

  /** Identity and override names, in lower case, that the upstream accepts from clients; undefined if none. */
  acceptedHeaders: ReadonlySet<string> | undefined;

  /** What the gateway adds to the response, whoever writes it: name, value, name, value. */
  readonly responseHeaders: string[] = [];

  /** The address of the instance that was asked last. */
  instance: string | undefined;
  /** How many times a service was asked. */
  attempts = 0;
  /** Whether the last attempt went over a connection that had served before. */
  reusedConnection = false;
  /** `performance.now()` at the steps of the last attempt, 0 where it did not get there: sent to an instance, */
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

  /** Where the parameters of the row stand among the path's segments. */
  parameterPositions: ReadonlyMap<string, number> | undefined;

  hasSwitchedProtocols = false;

  /** Whether the connection may serve on once the client was told to send its body. */
  private keepAliveOnceContinued = false;
  private waitsForContinue = false;

  constructor(
    /** The id in `X-Request-ID`. */
    readonly id: string,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    peer: Peer,
  ) {
    this.peerAddress = peer.peerAddress;
    this.isPeerTrusted = peer.isPeerTrusted;
    this.clientAddress = peer.clientAddress;
    (request as WithExchange)[EXCHANGE] = this;
  }

  /** The decoded value of a path parameter; undefined if the row has none of that name. */
  parameter(name: string): string | undefined {
    const position = this.parameterPositions?.get(name);
    if (position === undefined) return undefined;
    // A path that is not UTF-8 has no row: the proxy has refused it.
    return decodeURIComponent(pathOf(this.request.url!).split('/')[position + 1]!);
  }

  /**
   * The client waits for `100 Continue` before it sends its body (RFC 9110, section 10.1.1). Refused, it may send
   * the body or leave it out, and nobody could tell it from a next request: so a refusal ends the connection.
   */
  expectContinue(): void {
    this.waitsForContinue = true;
    this.keepAliveOnceContinued = this.response.shouldKeepAlive;
    this.response.shouldKeepAlive = false;
  }

  /** Tells a client that waits for it to send its body. */
  writeContinue(): void {
    if (!this.waitsForContinue) return;
    this.waitsForContinue = false;
    this.response.shouldKeepAlive = this.keepAliveOnceContinued;
    this.response.writeContinue();
  }

  /** The connection speaks another protocol from now on (RFC 9110, section 15.2.2); the exchange ends with 101. */
  switchProtocols(): void {
    this.hasSwitchedProtocols = true;
    this.response.statusCode = 101;
  }

  /** Makes this exchange the last of its connection, where its headers are not out yet. */
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
