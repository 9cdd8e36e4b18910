import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type GatewayHttpAdapter, pendingResponseOf, UpgradeResponse } from '@app/gateway';
import { AbstractWsAdapter } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { dropEmptySubprotocols, moveToken } from './handshake/client-handshake.js';
import type { WebSocketRoute } from './handshake/websocket-route.js';
import { WebSocketUpgrade } from './handshake/websocket-upgrade.js';
import type { WebSocketRoutes } from './websocket-routes.js';

/**
 * Connects `@WebSocketGateway()` classes to the gateway. Owns the server's only `upgrade` listener, which sends each
 * request through the same middleware as all other requests; behind the gates, `UpgradeMiddleware` opens the WebSocket.
 */
export class GatewayWebSocketAdapter extends AbstractWsAdapter {
  constructor(
    http: GatewayHttpAdapter,
    private readonly routes: WebSocketRoutes,
  ) {
    const server = http.getHttpServer();
    super(server);
    let route: WebSocketRoute | undefined;
    // If an earlier request still waits for its response, HTTP needs the connection: the upgrade is a plain request.
    http.isUpgrade = (request) => {
      route = pendingResponseOf(request.socket) ? undefined : routes.find(request);
      return route !== undefined;
    };
    // Node emits `upgrade` right after `isUpgrade`, for the same request.
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      dropEmptySubprotocols(request);
      // `ws` refuses an `Upgrade` with a list of protocols.
      request.headers.upgrade = 'websocket';
      const upgrade = new WebSocketUpgrade(route!, socket, head);
      // The upstream of a public route may use parameters of these names for other purposes.
      if (upgrade.route.options.auth !== 'none') moveToken(request);
      server.emit('request', request, new UpgradeResponse(request, upgrade));
    });
  }

  override create(_port: number, { path = '' }: { readonly path?: string } = {}): EventEmitter {
    return this.routes.addClass(path);
  }

  override bindClientDisconnect(client: WebSocket, callback: () => void): void {
    client.once('close', callback);
  }

  /** Does nothing: messages go to the upstream, and `@SubscribeMessage()` handlers take no part in a relay. */
  override bindMessageHandlers(): void {}

  /** Does nothing: the drain has closed every socket already. */
  override async close(): Promise<void> {}
}
