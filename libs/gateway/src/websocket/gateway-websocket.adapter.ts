import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { GatewayHttpAdapter } from '../http/gateway-http.adapter.js';
import { moveToken } from '@app/auth/internal';
import { pendingResponseOf } from '../http/node-internals.js';
import { UpgradeResponse } from '../http/upgrade-response.js';
import { Logger } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { AbstractWsAdapter } from '@nestjs/websockets';
import { GATEWAY_METADATA } from '@nestjs/websockets/constants.js';
import { WebSocket } from 'ws';
import { dropEmptySubprotocols } from './handshake/client-handshake.js';
import type { WebSocketRoute } from './handshake/websocket-route.js';
import { WebSocketUpgrade } from './handshake/websocket-upgrade.js';
import { CLOSE_REASON } from './relay/close-reasons.js';
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

type Handler = (client: WebSocket, ...rest: unknown[]) => unknown;

/** The methods of a `@WebSocketGateway()` class that Nest calls for each socket. */
const HANDLERS = ['handleConnection', 'handleDisconnect'] as const;

/**
 * Wraps the handlers of all `@WebSocketGateway()` classes: if a handler fails, logs the error and closes its socket with
 * 1011. Nest would let the error end the process. Call before Nest binds the handlers.
 */
export function containFailures(discovery: DiscoveryService): void {
  for (const { instance, metatype } of discovery.getProviders()) {
    if (!instance || !metatype || !Reflect.hasMetadata(GATEWAY_METADATA, metatype)) continue;
    const handlers = instance as Record<string, Handler | undefined>;
    for (const name of HANDLERS) {
      const handler = handlers[name]?.bind(instance);
      if (handler) handlers[name] = contained(`${metatype.name}.${name}`, handler);
    }
  }
}

function contained(name: string, handler: Handler): Handler {
  const logger = new Logger(GatewayWebSocketAdapter.name);
  return async (client, ...rest) => {
    try {
      await handler(client, ...rest);
    } catch (error) {
      logger.error({ message: 'websocket handler failed', handler: name, err: error });
      if (client.readyState === WebSocket.OPEN) {
        client.close(CLOSE_REASON.INTERNAL_ERROR.code, CLOSE_REASON.INTERNAL_ERROR.reason);
      }
    }
  };
}
