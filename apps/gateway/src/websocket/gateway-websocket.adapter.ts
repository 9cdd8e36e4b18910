import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type GatewayHttpAdapter, pendingResponseOf } from '@app/gateway';
import { AbstractWsAdapter } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { dropEmptySubprotocols, moveToken } from './handshake/client-handshake.js';
import { Upgrade, UpgradeResponse } from './handshake/upgrade.js';
import type { WebSocketRoute } from './handshake/websocket-route.js';
import type { WebSocketRoutes } from './websocket-routes.js';

/**
 * Brings `@WebSocketGateway()` classes to the gateway: it owns the server's one `upgrade` listener, which sends each
 * request through the same middleware as every other, where `UpgradeMiddleware` takes it up behind the gates.
 */
export class GatewayWebSocketAdapter extends AbstractWsAdapter {
  constructor(
    http: GatewayHttpAdapter,
    private readonly routes: WebSocketRoutes,
  ) {
    const server = http.getHttpServer();
    super(server);
    let route: WebSocketRoute | undefined;
    // Behind a request without its response yet it is a plain one: the connection is not free to change hands.
    http.isUpgrade = (request) => {
      route = pendingResponseOf(request.socket) ? undefined : routes.find(request);
      return route !== undefined;
    };
    // Node emits it for the request that it has just asked about.
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      dropEmptySubprotocols(request);
      // `ws` knows no list.
      request.headers.upgrade = 'websocket';
      const upgrade = new Upgrade(route!, socket, head);
      // The upstream of a public route may have parameters of these names for purposes of its own.
      if (upgrade.route.proxyRoute.options.auth !== 'none') moveToken(request);
      server.emit('request', request, new UpgradeResponse(request, upgrade));
    });
  }

  override create(_port: number, { path = '' }: { readonly path?: string } = {}): EventEmitter {
    return this.routes.addClass(path);
  }

  override bindClientDisconnect(client: WebSocket, callback: () => void): void {
    client.once('close', callback);
  }

  /** Messages are the upstream's: `@SubscribeMessage()` handlers have no part in a relay. */
  override bindMessageHandlers(): void {}

  /** The drain has closed every socket already. */
  override async close(): Promise<void> {}
}
