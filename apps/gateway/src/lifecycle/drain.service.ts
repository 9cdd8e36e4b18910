import type { Server } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SETTINGS, type Settings, isScrape, isScraper, OpenExchanges, pendingResponseOf } from '@app/gateway';
import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Relays } from '../websocket/relay/relays.js';

/** How often the drain looks whether it is done, in milliseconds. */
const LOOK_MS = 50;

/**
 * How long a connection must be silent before it is closed, in milliseconds: a proxy in front may be sending a
 * request on it at this moment, and would get a reset for it.
 */
const QUIET_MS = 1_000;

/** The part of the drain's time in which WebSockets are closed; the rest is theirs to answer. */
const SPREAD_SHARE = 0.8;

/**
 * The one owner of shutdown, so that no request is lost in it:
 *
 * 1. Readiness answers 503; requests are still served, for the shutdown delay, until load balancers see it.
 * 2. The listener closes, new WebSockets are refused, and from then on every response says `Connection: close`. Not
 *    earlier: whoever is told so comes back over a new connection, and those that wait to be accepted when the listener
 *    closes are reset by the kernel.
 * 3. Side by side: requests in flight finish, and a connection without one is closed once it has been silent for a
 *    second; WebSockets are told to come back (1012), spread over most of the time there is. Whoever reads the metrics
 *    keeps the connection to the end.
 * 4. At the deadline, what is left is destroyed.
 */
@Injectable()
export class DrainService implements OnModuleInit, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(DrainService.name);
  private readonly connections = new Set<Socket>();
  /** `performance.now()` of when what is left will be destroyed, once the signal has come. */
  private endsAt: number | undefined;

  constructor(
    @Inject(SETTINGS) private readonly config: Settings,
    private readonly adapterHost: HttpAdapterHost,
    private readonly exchanges: OpenExchanges,
    private readonly relays: Relays,
  ) {}

  /** Whether the signal to end has come. */
  get isDraining(): boolean {
    return this.endsAt !== undefined;
  }

  /** Seconds until what is left is destroyed. */
  get secondsLeft(): number {
    return Math.max(0, (this.endsAt ?? Infinity) - performance.now()) / 1000;
  }

  /** Connections that the drain waits for. */
  get connectionsLeft(): number {
    let left = 0;
    for (const socket of this.connections) if (!this.onlyScrapes(socket)) left++;
    return left;
  }

  onModuleInit(): void {
    this.server.on('connection', (socket: Socket) => {
      this.connections.add(socket);
      socket.once('close', () => this.connections.delete(socket));
    });
  }

  onModuleDestroy(): void {
    const { shutdownDelayMs, timeoutMs } = this.config.drain;
    this.endsAt = performance.now() + shutdownDelayMs + timeoutMs;
  }

  async beforeApplicationShutdown(signal?: string): Promise<void> {
    // A boot that failed has nobody to wait for.
    if (!this.server.listening) return;
    const { shutdownDelayMs, timeoutMs } = this.config.drain;
    // :: Step 1
    this.report('drain begins: not ready, still serving', { signal, shutdown_delay_ms: shutdownDelayMs });
    await delay(shutdownDelayMs);
    // :: Step 2
    this.stopListening();
    this.exchanges.endConnections();
    this.relays.refuseMore();
    this.report('drain: listener closed');
    // :: Step 3
    const deadline = (this.endsAt = performance.now() + timeoutMs);
    await Promise.all([this.closeConnections(deadline), this.relays.drain(timeoutMs * SPREAD_SHARE)]);
    // :: Step 4
    if (this.connectionsLeft === 0) this.report('drain complete');
    else this.report('drain deadline: destroying what is left');
    for (const socket of this.connections) socket.destroy();
  }

  private async closeConnections(deadline: number): Promise<void> {
    const quiet = new Map<Socket, { bytesRead: number; since: number }>();
    while (this.connectionsLeft > 0 && performance.now() < deadline) {
      const now = performance.now();
      for (const socket of this.connections) {
        if (this.relays.owns(socket) || this.onlyScrapes(socket)) continue;
        const { bytesRead } = socket;
        const before = quiet.get(socket);
        if (!before || before.bytesRead !== bytesRead || pendingResponseOf(socket))
          quiet.set(socket, { bytesRead, since: now });
        else if (now - before.since >= QUIET_MS) socket.destroySoon();
      }
      await delay(Math.min(LOOK_MS, Math.max(0, deadline - now)));
    }
  }

  private onlyScrapes(socket: Socket): boolean {
    if (!isScraper(socket)) return false;
    const pending = pendingResponseOf(socket);
    return pending === undefined || isScrape(pending.req);
  }

  /** Node's HTTP server would also close idle connections at once; the plain one only stops accepting. */
  private stopListening(): void {
    if (this.server.listening) NetServer.prototype.close.call(this.server);
  }

  private get server(): Server {
    return this.adapterHost.httpAdapter.getHttpServer() as Server;
  }

  private report(message: string, more: object = {}): void {
    const counts = {
      in_flight: this.exchanges.size,
      websockets: this.relays.size,
      connections: this.connections.size,
    };
    this.logger.log({ message, ...counts, ...more });
  }
}
