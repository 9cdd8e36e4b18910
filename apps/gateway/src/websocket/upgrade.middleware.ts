import type { IncomingMessage, ServerResponse } from 'node:http';
import { principalOf } from '@app/auth';
import { exchangeOf, InvalidRequestException, type Exchange } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import type { WebSocket } from 'ws';
import {
  GatewayDrainingException,
  TooManyConnectionsException,
  WebSocketVersionException,
} from '../errors/exceptions.js';
import { loggedPath } from '../observability/access-log.js';
import { handshakeFault, VERSION } from './handshake.js';
import { answerFor, passRefusal } from './handshake-answer.js';
import { Relay } from './relay.js';
import { RelayServices } from './relay.services.js';
import type { ServiceConnection, ServiceHandshake, ServiceRefusal } from './service-dialer.js';
import { release, upgradeOf, type Upgrade } from './upgrade.js';
import type { WebSocketRoute } from './websocket-route.js';
import { WebSocketRoutes } from './websocket-routes.js';

/** A request for a WebSocket on its way. */
interface Opening {
  readonly exchange: Exchange;
  readonly upgrade: Upgrade;
  readonly route: WebSocketRoute;
  /** Whose share of the route's connections it takes: a user, or a client address where nobody is known. */
  readonly holder: string;
  readonly handshake: ServiceHandshake;
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
  constructor(
    private readonly routes: WebSocketRoutes,
    private readonly services: RelayServices,
  ) {}

  use(request: IncomingMessage, _response: ServerResponse, next: () => void): void | Promise<void> {
    const upgrade = upgradeOf(request);
    if (upgrade) return this.open(exchangeOf(request)!, upgrade);
    next();
  }

  private async open(exchange: Exchange, upgrade: Upgrade): Promise<void> {
    const { request } = exchange;
    // :: Step 1
    if (this.services.live.isDraining) throw new GatewayDrainingException();
    if (request.headers['sec-websocket-version'] !== VERSION) throw new WebSocketVersionException();
    const fault = handshakeFault(request);
    if (fault !== undefined) throw new InvalidRequestException(fault);
    const route = this.routes.find(request.url!)!;
    const holder = principalOf(request)?.userId ?? exchange.clientAddress;
    if (!route.connections.take(holder)) throw new TooManyConnectionsException();
    const handshake = this.services.dialer.handshakeFor(route, exchange);
    const opening = { exchange, upgrade, route, holder, handshake };
    // From the handshake's completion on, the relay gives the connection back.
    if (!(await this.isJoined(opening).catch(giveBackAnd(opening)))) route.connections.giveBack(holder);
  }

  /** Whether the client and the service are joined; otherwise the client has got its answer, or has left. */
  private async isJoined(opening: Opening): Promise<boolean> {
    const { exchange } = opening;
    const answer = await this.dial(opening);
    if (answer === undefined) return false;
    exchange.instance = answer.instance;
    if ('socket' in answer) return this.complete(opening, answer);
    passRefusal(exchange, answer);
    return false;
  }

  // :: Step 2
  /** Undefined where the client has left meanwhile. */
  private async dial(opening: Opening): Promise<ServiceConnection | ServiceRefusal | undefined> {
    const { exchange, route, handshake } = opening;
    const left = new AbortController();
    const leave = (): void => left.abort();
    exchange.attempts++;
    exchange.response.once('close', leave);
    try {
      return await this.services.dialer.dial(route, handshake, left.signal);
    } catch (error) {
      if (left.signal.aborted) return undefined;
      throw error;
    } finally {
      exchange.response.off('close', leave);
    }
  }

  // :: Step 3
  private complete(opening: Opening, connection: ServiceConnection): boolean {
    const { exchange, route, upgrade } = opening;
    const { request, response } = exchange;
    const { socket } = upgrade;
    if (!socket.readable || !socket.writable) {
      connection.socket.terminate();
      return false;
    }
    exchange.switchProtocols();
    release(response, socket);
    route.accept(request, upgrade, answerFor(exchange, connection), (client) => {
      this.join(opening, connection, client);
    });
    return true;
  }

  private join(
    { exchange, upgrade, route, holder, handshake }: Opening,
    connection: ServiceConnection,
    client: WebSocket,
  ): void {
    const relay = new Relay(
      client,
      upgrade.socket,
      connection,
      route,
      {
        requestId: exchange.id,
        clientAddress: exchange.clientAddress,
        path: loggedPath(exchange),
        holder,
        handshake,
      },
      principalOf(exchange.request),
      this.services,
    );
    this.services.metrics.opened(route, performance.now() - exchange.startedAt);
    route.server.emit('connection', client, relay);
  }
}

function giveBackAnd({ route, holder }: Opening): (error: unknown) => never {
  return (error) => {
    route.connections.giveBack(holder);
    throw error;
  };
}
