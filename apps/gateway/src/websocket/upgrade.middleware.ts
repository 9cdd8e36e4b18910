import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  SETTINGS,
  type Settings,
  GatewayDrainingException,
  TooManyConnectionsException,
  WebSocketVersionException,
} from '@app/gateway';
import { principalOf } from '@app/auth';
import { exchangeOf, InvalidRequestException, networkOf, type Exchange } from '@app/proxy';
import { Inject, Injectable, type NestMiddleware } from '@nestjs/common';
import { loggedPath } from '../observability/access-log.js';
import { handshakeFault, VERSION } from './handshake.js';
import { createClientHandshake } from './client-handshake.js';
import { Relay } from './relay.js';
import { RelayContext } from './relay-context.js';
import type { RelayRequest } from './relay-record.js';
import type { UpstreamWebSocket } from './upstream-websocket.js';
import { createUpstreamHandshake } from './upstream-handshake.js';
import { passResponse, type HandshakeResponse } from './handshake-response.js';
import { release, upgradeOf, type Upgrade } from './upgrade.js';
import type { WebSocketRoute } from './websocket-route.js';
import { WebSocketRoutes } from './websocket-routes.js';

/** A request for a WebSocket on its way. */
interface Opening {
  readonly exchange: Exchange;
  readonly upgrade: Upgrade;
  readonly route: WebSocketRoute;
  readonly request: RelayRequest;
}

/**
 * Opens a WebSocket for a request that passed the gates.
 *
 * 1. The handshake must be one, and the route must have room.
 * 2. The service's side is opened first, so that its refusal can still be an HTTP status.
 * 3. The client gets its 101, with the subprotocol that the service chose.
 */
@Injectable()
export class UpgradeMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  private readonly allowedOrigin: string | undefined;

  constructor(
    @Inject(SETTINGS) { cors }: Settings,
    private readonly routes: WebSocketRoutes,
    private readonly context: RelayContext,
  ) {
    [this.allowedOrigin] = cors.allowedOrigins;
  }

  use(request: IncomingMessage, _response: ServerResponse, next: () => void): void | Promise<void> {
    const upgrade = upgradeOf(request);
    if (upgrade) return this.open(exchangeOf(request)!, upgrade);
    next();
  }

  private async open(exchange: Exchange, upgrade: Upgrade): Promise<void> {
    // :: Step 1
    this.check(exchange.request);
    const route = this.routes.find(exchange.request.url!)!;
    const request: RelayRequest = {
      id: exchange.id,
      clientAddress: exchange.clientAddress,
      path: loggedPath(exchange),
      holder: principalOf(exchange.request)?.userId ?? networkOf(exchange.clientAddress),
      handshake: createUpstreamHandshake(exchange, route, this.allowedOrigin),
    };
    if (!route.connections.tryAcquire(request.holder)) throw new TooManyConnectionsException();
    let isOpen = false;
    try {
      isOpen = await this.connect({ exchange, upgrade, route, request });
    } finally {
      // The relay of an open one gives the connection back.
      if (!isOpen) route.connections.release(request.holder);
    }
  }

  private check(request: IncomingMessage): void {
    if (this.context.live.refusesMore) throw new GatewayDrainingException();
    if (request.headers['sec-websocket-version'] !== VERSION) throw new WebSocketVersionException();
    const fault = handshakeFault(request);
    if (fault !== undefined) throw new InvalidRequestException(fault);
  }

  /** Whether the client and the service are joined; otherwise the client has got its answer, or has left. */
  private async connect(opening: Opening): Promise<boolean> {
    const { exchange } = opening;
    const answer = await this.dial(opening);
    if (answer === undefined) return false;
    exchange.instance = answer.instance;
    if ('socket' in answer) return this.complete(opening, answer);
    passResponse(exchange, answer);
    return false;
  }

  // :: Step 2
  /** Undefined where the client has left meanwhile. */
  private async dial({
    exchange,
    upgrade,
    route,
    request,
  }: Opening): Promise<UpstreamWebSocket | HandshakeResponse | undefined> {
    const left = new AbortController();
    const leave = (): void => left.abort();
    exchange.attempts++;
    exchange.response.once('close', leave);
    upgrade.startReading(this.context.earlyBudget);
    try {
      return await this.context.dialer.dial(route, request.handshake, left.signal);
    } catch (error) {
      if (left.signal.aborted) return undefined;
      throw error;
    } finally {
      upgrade.stopReading();
      exchange.response.off('close', leave);
    }
  }

  // :: Step 3
  private complete({ exchange, upgrade, route, request }: Opening, connection: UpstreamWebSocket): boolean {
    const { socket } = upgrade;
    if (socket.destroyed) {
      connection.socket.terminate();
      return false;
    }
    exchange.switchProtocols();
    release(exchange.response, socket);
    const client = route.accept(exchange.request, upgrade, createClientHandshake(exchange, connection));
    if (!client) {
      // The client's end came in this very turn: `ws` has destroyed its connection.
      connection.socket.terminate();
      return false;
    }
    new Relay(client, socket, connection, route, request, principalOf(exchange.request), this.context);
    this.context.metrics.opened(route, performance.now() - exchange.startedAt);
    route.server.emit('connection', client, exchange.request);
    return true;
  }
}
