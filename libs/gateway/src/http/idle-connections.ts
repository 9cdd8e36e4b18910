import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf, Ticker, TrustedProxies, type Ticking } from '@app/proxy/internal';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { connectionOf, type ClientConnection, type ClientNetwork } from './client-connection.js';
import type { GatewayHttpAdapter } from './gateway-http.adapter.js';
import { LinkedList } from './linked-list.js';

/** How often the bounds are checked, in milliseconds. */
const TICK_MS = 500;

/**
 * How long a connection must be idle before it may be closed, in milliseconds: a client that is just sending a request
 * would get a reset.
 */
const QUIET_MS = 1_000;

/** The bound that caused the close of a connection. */
export type IdleBound = 'total' | 'network';

/**
 * Bounds the client connections without a request in progress, in total and by client network. Above a bound it closes
 * the connection that has been idle longest, after one idle second.
 *
 * - A connection counts before its first request too, and while the rest of a body arrives whose response has been
 *   sent. A WebSocket does not count.
 * - A connection of a trusted proxy counts in total only.
 * - A connection that has served a request and has received bytes of the next one stays open: the timeout for headers
 *   bounds it.
 */
@Injectable()
export class IdleConnections implements Ticking, OnModuleInit, OnApplicationShutdown {
  /** See `DenseMember`. */
  slot = -1;
  /** Connections closed so far, by bound. */
  readonly closed: Record<IdleBound, number> = { total: 0, network: 0 };

  private readonly idle = new LinkedList<ClientConnection>();
  private readonly networks = new Map<string, ClientNetwork>();
  /** Networks that have exceeded their bound, until a tick finds them within it. */
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

  /** Records that a request has begun on a connection. */
  begin(socket: Socket): void {
    const connection = connectionOf(socket);
    connection.hasServed = true;
    if (connection.requests++ === 0) this.delete(connection);
  }

  /** Records that the response has ended. Call once for each `begin`, unless the connection became a WebSocket. */
  end(socket: Socket): void {
    const connection = connectionOf(socket);
    if (--connection.requests === 0 && !socket.destroyed) this.add(connection);
  }

  tick(): void {
    if (this.idle.size <= this.most && this.crowded.size === 0) return;
    // First, Node reads the bytes that arrived while the event loop was busy: a next request may be among them.
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
      // All later connections in the list have been idle for a shorter time.
      if (connection.idleSince > latest) return;
      const { socket } = connection;
      if (connection.hasNextRequest()) continue;
      this.delete(connection);
      this.closed[bound]++;
      // `destroySoon` first writes waiting bytes, so that the client sees an end and no reset. While a body is being
      // discarded, it would wait for the end of that body.
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
