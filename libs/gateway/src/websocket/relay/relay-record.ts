import type { Socket } from 'node:net';
import type { Principal } from '@app/auth';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { PINO } from '../../observability/gateway-logger.js';

/** A WebSocket and the TCP or TLS connection under it. */
export interface RelayConnection {
  readonly socket: WebSocket;
  readonly stream: Socket;
}

/** An upstream's WebSocket, open and paused, so that no message is lost before the relay listens. */
export interface UpstreamWebSocket extends RelayConnection {
  /** The subprotocol that the upstream chose; empty if it chose none. */
  readonly subprotocol: string;
}

/** Dials the upstream of one relay again, with the handshake of its client. */
export interface RelayDialer {
  /**
   * @param withinMs milliseconds that the dial may take
   * @returns the connection, or the HTTP status with which the upstream refused
   * @throws Error if the upstream cannot be reached
   */
  dial(signal: AbortSignal, withinMs: number): Promise<UpstreamWebSocket | number>;
  /** Replaces the token of the handshake. */
  setToken(token: string): void;
}

/** The part of a route that its relays use. */
export interface RelayRoute {
  /** The path template, which metrics have as label `endpoint`. */
  readonly endpoint: string;
  readonly upstream: string;
  /** Owner of the bytes of the upstream's ends. An object, since any string may be the id of a user. */
  readonly upstreamOwner: object;
  readonly resume: boolean;
  readonly closesAtExpiry: boolean;
  readonly messagesPerSecond: number;
  /** Whether a client that exceeds its rate is closed, and not slowed. */
  readonly closesFastClients: boolean;
  /** Counts the open sockets of the route. */
  readonly connections: { release(owner: string): void };
}

/** The data that a relay keeps of the request that opened it. */
export interface RelayRequest {
  readonly id: string;
  readonly clientAddress: string;
  /** The path without tokens, for log lines. */
  readonly path: string;
  /** Owner of the connection and of the bytes of the client's end: a user, or an unauthenticated client's network. */
  readonly owner: string;
  readonly dialer: RelayDialer;
}

/** The parameters of a new relay. */
export interface RelayOptions {
  readonly route: RelayRoute;
  readonly request: RelayRequest;
  /** Undefined on routes without authentication. */
  readonly principal: Principal | undefined;
  readonly client: RelayConnection;
  readonly upstream: UpstreamWebSocket;
}

/** Which end closed a relay, or the gateway, in the words of logs and metrics. */
export type Closer = 'client' | 'service' | 'gateway';

/** The counts of a relay. */
export interface RelayCounts {
  /** Messages from the client. */
  messagesIn: number;
  bytesIn: number;
  /** Messages to the client. */
  messagesOut: number;
  bytesOut: number;
  resumptions: number;
  /** Messages written to an upstream's connection that broke before it acknowledged them. */
  unacknowledged: number;
  /** Messages of the client that the relay dropped because the upstream was away. */
  lost: number;
}

export function createCounts(): RelayCounts {
  return {
    messagesIn: 0,
    bytesIn: 0,
    messagesOut: 0,
    bytesOut: 0,
    resumptions: 0,
    unacknowledged: 0,
    lost: 0,
  };
}

/** The part of a relay that logs and metrics read. */
export interface RelayRecord {
  readonly route: RelayRoute;
  readonly request: RelayRequest;
  /** When the relay opened, in milliseconds of `performance.now()`. */
  readonly openedAt: number;
  readonly counts: RelayCounts;
}

/** Writes one log line at the end of each relay. At its start, the access log line with status 101 is written. */
@Injectable()
export class RelayLog {
  constructor(@Inject(PINO) private readonly pino: Logger) {}

  write({ request, route, openedAt, counts }: RelayRecord, code: number, by: Closer): void {
    // Lost and unacknowledged messages are a warning, so that an operator finds them.
    const level = counts.lost + counts.unacknowledged > 0 ? 'warn' : 'info';
    this.pino[level](
      {
        request_id: request.id,
        client_ip: request.clientAddress,
        path: request.path,
        upstream: route.upstream,
        code,
        closed_by: by,
        duration: Math.round(performance.now() - openedAt),
        messages_in: counts.messagesIn,
        messages_out: counts.messagesOut,
        bytes_in: counts.bytesIn,
        bytes_out: counts.bytesOut,
        resumptions: counts.resumptions,
        messages_unacknowledged: counts.unacknowledged,
        messages_lost: counts.lost,
      },
      'websocket closed',
    );
  }
}
