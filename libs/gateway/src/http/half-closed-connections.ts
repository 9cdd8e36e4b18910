import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { TrustedProxies, Ticker, type Ticking } from '@app/proxy/internal';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { pendingResponseOf } from './node-internals.js';

/** How often half-closed connections are checked, in milliseconds. */
const TICK_MS = 1_000;

/** Time without data after which the kernel sends a half-closed client a keep-alive probe, in milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/**
 * Decides whether a client that ends its half of a connection after a complete request still gets its response
 * (RFC 9112, section 9.6; RFC 9293, section 3.6). With `allowHalfOpen`, Node's server sends this response and those of
 * earlier requests, and then ends the connection.
 *
 * - A trusted proxy ends a connection when its own client has gone, and never half-closes one: its requests are
 *   aborted.
 * - Any other client may still wait for its response or may have gone: both look the same. If it has gone, its kernel
 *   resets the connection: at the first bytes of the response, or at a keep-alive probe once the kernel has forgotten
 *   the connection (60 s on Linux). After the end of the readable side, only a write reports a reset.
 */
@Injectable()
export class HalfClosedConnections implements Ticking, OnModuleInit, OnApplicationShutdown {
  /** See `DenseMember`. */
  slot = -1;
  private readonly connections = new Set<Socket>();
  private readonly trusted: TrustedProxies;
  private readonly ticker = new Ticker(TICK_MS);

  constructor(
    @Inject(SETTINGS) { trust }: Settings,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    this.trusted = new TrustedProxies(trust);
    this.ticker.add(this);
  }

  onModuleInit(): void {
    const { connections, trusted } = this;
    // One listener for all connections. It runs after Node's own, which ends a connection that has no pending response.
    const onEnd = function (this: Socket): void {
      if (!pendingResponseOf(this)) return;
      if (trusted.resolve(this.remoteAddress, undefined).isPeerTrusted) {
        this.end();
        return;
      }
      this.setKeepAlive(true, KEEP_ALIVE_MS);
      connections.add(this);
      this.once('close', () => connections.delete(this));
    };
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    server.on('connection', (socket: Socket) => socket.on('end', onEnd));
  }

  tick(): void {
    // An empty write sends no byte, and fails if the connection was reset. If bytes are waiting, their own write fails.
    for (const socket of this.connections)
      if (socket.writable && socket.writableLength === 0) socket.write('');
  }

  onApplicationShutdown(): void {
    this.ticker.stop();
  }
}
