import { delay } from '@app/proxy';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import {
  DrainableMetadata,
  isScrape,
  OpenExchanges,
  pendingResponseOf,
  SETTINGS,
  type ClientConnection,
  type ClientConnections,
  type DrainTarget,
  type GatewayHttpAdapter,
  type Settings,
} from '@app/gateway';
import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryService, HttpAdapterHost } from '@nestjs/core';

/** How often the drain checks whether it is complete, in milliseconds. */
const CHECK_MS = 50;

/**
 * How long a connection must be silent before it is closed, in milliseconds: a proxy in front may be sending a
 * request on it at this moment, and would get a reset for it.
 */
const QUIET_MS = 1_000;

/**
 * The one owner of shutdown, so that no request is lost in it:
 *
 * 1. Readiness is 503. Requests are still served during the shutdown delay, until load balancers see it.
 * 2. The listener closes. From then on every response says `Connection: close`, and the `@Drainable()` providers take up
 *    nothing new: WebSockets are refused. Not earlier: a client that is told so comes back over a new connection, and the
 *    kernel resets those connections that wait to be accepted when the listener closes.
 * 3. Side by side: requests in flight finish, and a connection without a request is closed once it has been silent for a
 *    second; each `@Drainable()` ends what it has open. A client that reads the metrics keeps its connection to the end.
 * 4. At the deadline, every connection that is left is destroyed.
 */
@Injectable()
export class DrainService implements OnModuleInit, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(DrainService.name);
  private readonly targets: DrainTarget[] = [];
  /** `performance.now()` of when what is left will be destroyed, once the signal has come. */
  private endsAt: number | undefined;

  constructor(
    @Inject(SETTINGS) private readonly config: Settings,
    private readonly adapterHost: HttpAdapterHost<GatewayHttpAdapter>,
    private readonly discovery: DiscoveryService,
    private readonly exchanges: OpenExchanges,
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
    for (const connection of this.connections) if (!isScraper(connection)) left++;
    return left;
  }

  onModuleInit(): void {
    for (const { instance } of this.discovery.getProviders({ metadataKey: DrainableMetadata.KEY })) {
      this.targets.push(instance as DrainTarget);
    }
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
    for (const target of this.targets) void this.run(target, () => target.refuseNew());
    this.report('drain: listener closed');
    // :: Step 3
    const deadline = (this.endsAt = performance.now() + timeoutMs);
    await Promise.all([this.closeConnections(deadline), this.drainTargets(deadline)]);
    // :: Step 4
    if (this.connectionsLeft === 0) this.report('drain complete');
    else this.report('drain deadline: destroying what is left');
    for (const { socket } of this.connections) socket.destroy();
  }

  private async closeConnections(deadline: number): Promise<void> {
    const quiet = new Map<ClientConnection, { bytesRead: number; since: number }>();
    while (this.connectionsLeft > 0 && performance.now() < deadline) {
      const now = performance.now();
      for (const connection of this.connections) {
        if (connection.isWebSocket || isScraper(connection)) continue;
        const { socket } = connection;
        const { bytesRead } = socket;
        const before = quiet.get(connection);
        if (!before || before.bytesRead !== bytesRead || pendingResponseOf(socket))
          quiet.set(connection, { bytesRead, since: now });
        else if (now - before.since >= QUIET_MS) socket.destroySoon();
      }
      await delay(Math.min(CHECK_MS, Math.max(0, deadline - now)));
    }
  }

  /** Waits for no target longer than to the deadline. */
  private async drainTargets(deadline: number): Promise<void> {
    const drained = this.targets.map((target) => this.run(target, () => target.drain(deadline)));
    const timer = new AbortController();
    const timeout = delay(Math.max(0, deadline - performance.now()), timer);
    await Promise.race([Promise.all(drained), timeout]);
    timer.abort();
    await timeout.catch(() => {});
  }

  /** Runs a step of a target. One that fails is logged, and the drain goes on. */
  private async run(target: DrainTarget, step: () => void | Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.logger.error({ message: 'drain failed', target: target.constructor.name, err: error });
    }
  }

  /** Node's HTTP server would also close idle connections at once; the plain one only stops accepting. */
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
      void this.run(target, () => void Object.assign(counts, target.countOpen()));
    this.logger.log({ message, ...counts, ...more });
  }
}

/** Whether a connection carries nothing but reads of the metrics. */
function isScraper({ isScraper: hasScraped, socket }: ClientConnection): boolean {
  if (!hasScraped) return false;
  const pending = pendingResponseOf(socket);
  return pending === undefined || isScrape(pending.req);
}
