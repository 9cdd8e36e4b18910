import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf, Ticker, TrustedProxies, type Ticking } from '@app/proxy';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { connectionOf, type ClientConnection, type ClientNetwork } from './client-connection.js';
import type { GatewayHttpAdapter } from './gateway-http.adapter.js';
import { LinkedList } from './linked-list.js';

/** How often the bounds are checked, in milliseconds. */
const TICK_MS = 500;

/**
 * How long a connection must be idle before it may be closed, in milliseconds: its client may be sending a request on it
 * at this moment, and would get a reset for it.
 */
const QUIET_MS = 1_000;

/** Which bound a connection was closed for. */
export type IdleBound = 'total' | 'network';

/**
 * Bounds the client connections without a request in progress, in total and by client network. A connection that has never
 * had a request counts, and one that brings the rest of a body whose response is out; a WebSocket does not. Past a bound
 * the connection that has been idle longest is closed, after one idle second. Connections of trusted proxies count in
 * total alone. A connection that has served and on which bytes of a next request have come is left to the timeout for
 * headers.
 */
@Injectable()
export class IdleConnections implements Ticking, OnModuleInit, OnApplicationShutdown {
  slot = -1;
  /** Connections closed so far, by bound. */
  readonly closed: Record<IdleBound, number> = { total: 0, network: 0 };

  private readonly idle = new LinkedList<ClientConnection>();
  private readonly networks = new Map<string, ClientNetwork>();
  /** Networks that have passed their bound, until a tick finds them below it. */
  private readonly crowded = new Set<ClientNetwork>();
  private readonly most: number;
  private readonly mostPerNetwork: number;
  private readonly trusted: TrustedProxies;
  private readonly ticker = new Ticker(TICK_MS);

  constructor(
    @Inject(SETTINGS) { server, trust }: Settings,
    private readonly adapterHost: HttpAdapterHost<GatewayHttpAdapter>,
  ) {
    this.most = server.idleConnections;
    this.mostPerNetwork = server.idleConnectionsPerNetwork;
    this.trusted = new TrustedProxies(trust);
    this.ticker.add(this);
  }

  /** Connections that are idle now. */
  get size(): number {
    return this.idle.size;
  }

  onModuleInit(): void {
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    // One listener for all connections.
    const onClose = (connection: ClientConnection): void => this.onClose(connection);
    const onSocketClose = function (this: Socket): void {
      onClose(connectionOf(this));
    };
    server.on('connection', (socket: Socket) => {
      const connection = connectionOf(socket);
      connection.network = this.openNetwork(socket);
      this.add(connection);
      socket.once('close', onSocketClose);
    });
  }

  /** A request has come on a connection. */
  begin(socket: Socket): void {
    const connection = connectionOf(socket);
    connection.hasServed = true;
    if (connection.requests++ === 0) this.delete(connection);
  }

  /** The response to it has ended. To be called once for each `begin`, unless the connection became a WebSocket. */
  end(socket: Socket): void {
    const connection = connectionOf(socket);
    if (--connection.requests === 0 && !socket.destroyed) this.add(connection);
  }

  tick(): void {
    if (this.idle.size <= this.most && this.crowded.size === 0) return;
    // Once the bytes have been read that came while the event loop was busy.
    setImmediate(() => {
      for (const network of this.crowded) {
        this.closeLongest(network.idle, this.mostPerNetwork, 'network');
        if (network.idle.size <= this.mostPerNetwork) this.crowded.delete(network);
      }
      this.closeLongest(this.idle, this.most, 'total');
    });
  }

  onApplicationShutdown(): void {
    this.ticker.stop();
  }

  private closeLongest(idle: LinkedList<ClientConnection>, most: number, bound: IdleBound): void {
    if (idle.size <= most) return;
    const latest = performance.now() - QUIET_MS;
    for (const connection of idle) {
      // Those behind it have been idle for a shorter time.
      if (connection.idleSince > latest) return;
      const { socket } = connection;
      if (connection.hasNextRequest()) continue;
      this.delete(connection);
      this.closed[bound]++;
      // `destroySoon` writes first what waits, so that the client sees an end and no reset. While a body is discarded, it
      // would wait for the end of the body.
      if (connection.isDiscarding) socket.destroy();
      else socket.destroySoon();
      if (idle.size <= most) return;
    }
  }

  private openNetwork({ remoteAddress }: Socket): ClientNetwork | undefined {
    const { isPeerTrusted, peerAddress } = this.trusted.resolve(remoteAddress, undefined);
    if (isPeerTrusted) return undefined;
    const name = networkOf(peerAddress);
    let network = this.networks.get(name);
    if (!network) {
      network = { name, idle: new LinkedList(), open: 0 };
      this.networks.set(name, network);
    }
    network.open++;
    return network;
  }

  private onClose(connection: ClientConnection): void {
    const { network } = connection;
    this.delete(connection);
    if (!network || --network.open > 0) return;
    this.networks.delete(network.name);
    this.crowded.delete(network);
  }

  private add(connection: ClientConnection): void {
    const { network } = connection;
    connection.idleSince = performance.now();
    connection.idleBytesRead = connection.socket.bytesRead;
    this.idle.push(connection.inTotal);
    if (!network) return;
    network.idle.push(connection.inNetwork);
    if (network.idle.size > this.mostPerNetwork) this.crowded.add(network);
  }

  private delete(connection: ClientConnection): void {
    this.idle.delete(connection.inTotal);
    connection.network?.idle.delete(connection.inNetwork);
  }
}
