import { delay } from '@app/proxy/internal';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { ClientConnection, ClientConnections } from '../http/client-connection.js';
import { DrainableMetadata, type DrainTarget } from '../http/drainable.js';
import type { GatewayHttpAdapter } from '../http/gateway-http.adapter.js';
import { pendingResponseOf } from '../http/node-internals.js';
import { OpenExchanges } from '../http/open-exchanges.js';
import { isScrape } from '../http/scrape.js';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, HttpAdapterHost } from '@nestjs/core';

/** How often the drain checks whether it is complete, in milliseconds. */
const CHECK_MS = 50;

/**
 * How long a connection must be silent before it is closed, in milliseconds: a proxy in front that is just sending a
 * request would get a reset.
 */
const QUIET_MS = 1_000;

/**
 * Shuts the gateway down without losing a request. No other class waits at shutdown. `createGateway` calls it before all other
 * shutdown hooks: `docs/shutdown.md` has their order.
 *
 * 1. Readiness becomes 503. The gateway still serves requests during the shutdown delay, until load balancers see the
 *    failed readiness check.
 * 2. The listener closes. From then on every response has `Connection: close`, and the `@Drainable()` providers refuse
 *    new work, such as WebSockets. They do not refuse it earlier: a refused client opens a new connection, and the
 *    kernel resets the connections that wait to be accepted when the listener closes.
 * 3. At the same time, requests in flight finish, the drain closes each connection without a request after a silent second,
 *    and each `@Drainable()` provider, such as that of streams, ends its open work. A client that reads the metrics keeps
 *    its connection to the end.
 * 4. At the deadline, the drain destroys every remaining connection.
 */
@Injectable()
export class DrainService implements OnModuleInit {
  private readonly logger = new Logger(DrainService.name);
  private readonly targets: DrainTarget[] = [];
  /** The deadline, in milliseconds of `performance.now()`; undefined before the signal. */
  private endsAt: number | undefined;

  constructor(
    @Inject(SETTINGS) private readonly config: Settings,
    private readonly adapterHost: HttpAdapterHost<GatewayHttpAdapter>,
    private readonly discovery: DiscoveryService,
    private readonly exchanges: OpenExchanges,
  ) {}

  /** Whether the process has received a signal to end. */
  get isDraining(): boolean {
    return this.endsAt !== undefined;
  }

  /** Seconds until the drain destroys the remaining connections; `Infinity` before the signal. */
  get secondsLeft(): number {
    return Math.max(0, (this.endsAt ?? Infinity) - performance.now()) / 1000;
  }

  /** Connections that the drain waits for: all except those that only read the metrics. */
  get connectionsLeft(): number {
    let left = 0;
    for (const connection of this.connections) if (!isScraper(connection)) left++;
    return left;
  }

  onModuleInit(): void {
    for (const { instance } of this.discovery.getProviders({ metadataKey: DrainableMetadata.KEY })) {
      this.targets.push(instance as DrainTarget);
    }
  }

  /** Fails the readiness check. */
  begin(): void {
    const { shutdownDelayMs, timeoutMs } = this.config.drain;
    this.endsAt = performance.now() + shutdownDelayMs + timeoutMs;
  }

  /** Drains. Resolves when no connection is left. */
  async run(signal?: string): Promise<void> {
    // After a failed boot there are no connections to wait for.
    if (!this.server.listening) return;
    const { shutdownDelayMs, timeoutMs } = this.config.drain;
    // :: Step 1
    this.report('drain begins: not ready, still serving', { signal, shutdown_delay_ms: shutdownDelayMs });
    await delay(shutdownDelayMs);
    // :: Step 2
    this.stopListening();
    this.exchanges.endConnections();
    for (const target of this.targets) void this.runStep(target, () => target.refuseNew());
    this.report('drain: listener closed');
    // :: Step 3
    const deadline = (this.endsAt = performance.now() + timeoutMs);
    await Promise.all([this.closeConnections(deadline), this.drainTargets(deadline)]);
    // :: Step 4
    if (this.connectionsLeft === 0) this.report('drain complete');
    else this.report('drain deadline: destroying what is left');
    for (const { socket } of this.connections) {
      // A response that only the end of the connection frames (HTTP/1.0) would look whole after a clean end.
      if (pendingResponseOf(socket)) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  private async closeConnections(deadline: number): Promise<void> {
    while (this.connectionsLeft > 0 && performance.now() < deadline) {
      const now = performance.now();
      for (const connection of this.connections) {
        if (connection.isWebSocket || isScraper(connection)) continue;
        const { socket, quietSince, quietBytesRead } = connection;
        if (quietSince === undefined || quietBytesRead !== socket.bytesRead || pendingResponseOf(socket)) {
          connection.quietSince = now;
          connection.quietBytesRead = socket.bytesRead;
        } else if (now - quietSince >= QUIET_MS) {
          socket.destroySoon();
        }
      }
      await delay(Math.min(CHECK_MS, Math.max(0, deadline - now)));
    }
  }

  /** Drains all targets, and waits for them until the deadline at most. */
  private async drainTargets(deadline: number): Promise<void> {
    const drained = this.targets.map((target) => this.runStep(target, () => target.drain(deadline)));
    const timer = new AbortController();
    const timeout = delay(Math.max(0, deadline - performance.now()), timer);
    await Promise.race([Promise.all(drained), timeout]);
    timer.abort();
    await timeout.catch(() => {});
  }

  /** Runs a step of a target. If the step fails, logs the error, and the drain goes on. */
  private async runStep(target: DrainTarget, step: () => void | Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.logger.error({ message: 'drain failed', target: target.constructor.name, err: error });
    }
  }

  /** Only stops accepting: the `close` of Node's HTTP server would also close idle connections at once. */
  private stopListening(): void {
    if (this.server.listening) NetServer.prototype.close.call(this.server);
  }

  private get connections(): ClientConnections {
    return this.adapterHost.httpAdapter.connections;
  }

  private get server(): Server {
    return this.adapterHost.httpAdapter.getHttpServer();
  }

  private report(message: string, more: object = {}): void {
    const counts = { in_flight: this.exchanges.size, connections: this.connections.size };
    for (const target of this.targets)
      void this.runStep(target, () => void Object.assign(counts, target.countOpen()));
    this.logger.log({ message, ...counts, ...more });
  }
}

/** Whether a connection's client reads the metrics and has no other request pending. */
function isScraper({ isScraper: hasScraped, socket }: ClientConnection): boolean {
  if (!hasScraped) return false;
  const pending = pendingResponseOf(socket);
  return pending === undefined || isScrape(pending.req);
}
