import type { IncomingMessage, ServerResponse } from 'node:http';
import { connectionOf } from '../http/client-connection.js';
import {
  GatewayDrainingException,
  TooManyConnectionsException,
  WebSocketVersionException,
} from '../http/exceptions.js';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { exchangeOf, InvalidRequestException, networkOf, type Exchange } from '@app/proxy/internal';
import { Inject, Injectable, type NestMiddleware } from '@nestjs/common';
import { loggedPath } from '../observability/access-log.js';
import { Cancellation } from './handshake/cancellation.js';
import {
  formatAcceptance,
  handshakeFault,
  passRefusal,
  VERSION,
  type AcceptedHandshake,
  type RefusedHandshake,
} from './handshake/client-handshake.js';
import { ClientDialer, UpstreamDialer } from './handshake/upstream-dialer.js';
import { createUpstreamHandshake } from './handshake/upstream-handshake.js';
import { WebSocketUpgrade } from './handshake/websocket-upgrade.js';
import { ByteBudget } from './relay/byte-budget.js';
import { Relay } from './relay/relay.js';
import { RelayContext } from './relay/relay-context.js';
import type { RelayRequest } from './relay/relay-record.js';

/** The budget of handshakes, as a share of the budget of relays and in addition to it. */
const EARLY_SHARE = 1 / 8;

/** A request for a WebSocket whose handshake is not complete. */
interface Opening {
  readonly exchange: Exchange;
  readonly upgrade: WebSocketUpgrade;
  readonly request: RelayRequest & { readonly dialer: ClientDialer };
}

/**
 * Opens a WebSocket for a request that passed the gates.
 *
 * 1. The gateway checks the handshake and the route's limits of connections.
 * 2. It dials the upstream before it responds, so that the client gets a refusal of the upstream as an HTTP status.
 * 3. It sends the client its 101, with the subprotocol that the upstream chose.
 */
@Injectable()
export class UpgradeMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  /**
   * Budget of the bytes that clients send before their 101. If it is full, the gateway stops reading; no relay closes.
   */
  private readonly earlyBudget: ByteBudget;

  constructor(
    @Inject(SETTINGS) { websocket }: Settings,
    private readonly context: RelayContext,
    private readonly dialer: UpstreamDialer,
  ) {
    this.earlyBudget = new ByteBudget(websocket.bufferBytes * EARLY_SHARE);
  }

  use(request: IncomingMessage, _response: ServerResponse, next: () => void): void | Promise<void> {
    const exchange = exchangeOf(request)!;
    const { upgrade } = exchange;
    if (upgrade instanceof WebSocketUpgrade) return this.open(exchange, upgrade);
    next();
  }

  private async open(exchange: Exchange, upgrade: WebSocketUpgrade): Promise<void> {
    // :: Step 1
    this.check(exchange.request);
    const route = upgrade.webSocketRoute;
    const handshake = createUpstreamHandshake(exchange, route);
    const request = {
      id: exchange.id,
      clientAddress: exchange.clientAddress,
      path: loggedPath(exchange),
      owner: exchange.principal?.userId ?? networkOf(exchange.clientAddress),
      dialer: new ClientDialer(this.dialer, route, handshake),
    };
    if (!route.connections.tryAcquire(request.owner)) throw new TooManyConnectionsException();
    let isOpen = false;
    try {
      isOpen = await this.connect({ exchange, upgrade, request });
    } finally {
      // If a relay has opened, the relay releases the connection.
      if (!isOpen) route.connections.release(request.owner);
    }
  }

  private check(request: IncomingMessage): void {
    if (this.context.live.refusesNew) throw new GatewayDrainingException();
    if (request.headers['sec-websocket-version'] !== VERSION) throw new WebSocketVersionException();
    const reason = handshakeFault(request);
    if (reason !== undefined) throw new InvalidRequestException(reason);
  }

  /** @returns whether a relay has opened; otherwise the client has got its response or has left */
  private async connect(opening: Opening): Promise<boolean> {
    const { exchange } = opening;
    const result = await this.dial(opening);
    if (result === undefined) return false;
    opening.upgrade.route.forwardOptions.affinity?.describe(exchange);
    if ('socket' in result) return this.complete(opening, result);
    passRefusal(exchange, result);
    return false;
  }

  // :: Step 2
  /** @returns undefined if the client has left meanwhile */
  private async dial({
    exchange,
    upgrade,
    request,
  }: Opening): Promise<AcceptedHandshake | RefusedHandshake | undefined> {
    const left = new Cancellation();
    const leave = (): void => left.cancel();
    const { response } = exchange;
    response.once('close', leave);
    const stopReading = upgrade.startReading(this.earlyBudget);
    try {
      return await request.dialer.dialFirst(exchange, left);
    } catch (error) {
      if (left.isCancelled) return undefined;
      throw error;
    } finally {
      stopReading();
      response.off('close', leave);
    }
  }

  // :: Step 3
  private complete({ exchange, upgrade, request }: Opening, upstream: AcceptedHandshake): boolean {
    const { webSocketRoute: route, socket: stream } = upgrade;
    if (stream.destroyed) {
      upstream.socket.terminate();
      return false;
    }
    connectionOf(stream).isWebSocket = true;
    exchange.switchProtocols();
    const agreed = route.compression?.agree(exchange.request.headers['sec-websocket-extensions']);
    const head = formatAcceptance(exchange, upstream, agreed?.header);
    const socket = route.accept(upgrade, head, upstream.subprotocol, agreed?.codec);
    if (!socket) {
      // The client ended its connection in this turn of the event loop.
      upstream.socket.terminate();
      return false;
    }
    const { principal } = exchange;
    new Relay({ route, request, principal, client: { socket, stream }, upstream }, this.context);
    this.context.metrics.opened(route, performance.now() - exchange.startedAt);
    route.announce(socket, exchange.request);
    return true;
  }
}
