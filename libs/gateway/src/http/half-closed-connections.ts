import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { TrustedProxies, Ticker, type Ticking } from '@app/proxy';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { pendingResponseOf } from './node-internals.js';

/** How often half-closed connections are looked at, in milliseconds. */
const TICK_MS = 1_000;

/** Silence after which the kernel asks a half-closed client whether its connection still stands, in milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/**
 * Decides whether a client that ends its half of a connection behind a complete request still gets its response
 * (RFC 9112, section 9.6; RFC 9293, section 3.6). Node's server sends it, with those of the requests before it, and
 * then ends the connection, because of `allowHalfOpen`.
 *
 * - A trusted proxy ends a connection when its own client has gone; no proxy half-closes. Its requests are aborted.
 * - Any other client may wait for its response, or have gone: its end looks the same. It has gone once its kernel
 *   resets the connection: at the first bytes of the response, or when the kernel has forgotten the connection (60 s on
 *   Linux) and is asked for it. An end of the readable side hides a reset from reading: only a write finds it.
 */
@Injectable()
export class HalfClosedConnections implements Ticking, OnModuleInit, OnApplicationShutdown {
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
    // One listener for all connections. Behind Node's own, which ends a connection without a response that is due.
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
    // No byte goes out, and a connection that was reset fails. If bytes wait already, their write will fail.
    for (const socket of this.connections)
      if (socket.writable && socket.writableLength === 0) socket.write('');
  }

  onApplicationShutdown(): void {
    this.ticker.stop();
  }
}
