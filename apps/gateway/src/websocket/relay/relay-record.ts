import type { Socket } from 'node:net';
import type { Principal } from '@app/auth';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { PINO } from '../../observability/gateway-logger.js';
import type { ConnectionCounts } from './client-limits.js';

/** A WebSocket and the TCP or TLS connection under it. */
export interface RelayConnection {
  readonly socket: WebSocket;
  readonly stream: Socket;
}

/** An upstream's WebSocket, open and paused, so that nothing is lost until somebody listens. */
export interface UpstreamWebSocket extends RelayConnection {
  /** The subprotocol that the upstream chose; empty if it chose none. */
  readonly subprotocol: string;
}

/** Dials the upstream of one relay again, with the handshake of its client. */
export interface RelayDialer {
  /** @returns the connection, or the status of a refusal @throws Error if the upstream cannot be reached */
  dial(signal: AbortSignal, withinMs: number): Promise<UpstreamWebSocket | number>;
  /** Replaces the token of the handshake. */
  setToken(token: string): void;
}

/** What a relay needs of its route. */
export interface RelayRoute {
  /** The template of its path, as metrics name it. */
  readonly endpoint: string;
  readonly upstream: string;
  /** Owns the bytes of the upstream's ends; an object, since a user may have any name. */
  readonly upstreamOwner: object;
  readonly resume: boolean;
  readonly closesAtExpiry: boolean;
  readonly messagesPerSecond: number;
  readonly connections: ConnectionCounts;
}

/** What a relay remembers of the request that opened it. */
export interface RelayRequest {
  readonly id: string;
  readonly clientAddress: string;
  /** As it may stand in a log line. */
  readonly path: string;
  /** Owns the connection and the bytes of the client's end: a user, or the network of a client without one. */
  readonly owner: string;
  readonly dialer: RelayDialer;
}

/** What a relay begins with. */
export interface RelayOptions {
  readonly route: RelayRoute;
  readonly request: RelayRequest;
  /** Undefined on routes that ask for no token. */
  readonly principal: Principal | undefined;
  readonly client: RelayConnection;
  readonly upstream: UpstreamWebSocket;
}

/** Which end closed a relay, or the gateway; as logs and metrics name it. */
export type Closer = 'client' | 'service' | 'gateway';

/** What a relay counts. */
export interface RelayCounts {
  /** From the client. */
  messagesIn: number;
  bytesIn: number;
  /** To the client. */
  messagesOut: number;
  bytesOut: number;
  resumptions: number;
  /** Messages written to an upstream's connection that broke before it acknowledged them. */
  unacknowledged: number;
  /** Messages of the client that were given up. */
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

/** What logs and metrics read of a relay. */
export interface RelayRecord {
  readonly route: RelayRoute;
  readonly request: RelayRequest;
  /** `performance.now()` when its client got the 101. */
  readonly openedAt: number;
  readonly counts: RelayCounts;
}

/** Writes one line at the end of each relay; the line of its beginning is the access line with status 101. */
@Injectable()
export class RelayLog {
  constructor(@Inject(PINO) private readonly pino: Logger) {}

  write({ request, route, openedAt, counts }: RelayRecord, code: number, by: Closer): void {
    // Somebody will look for messages that are lost or unacknowledged.
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
        messages_in_doubt: counts.unacknowledged,
        messages_lost: counts.lost,
      },
      'websocket closed',
    );
  }
}
