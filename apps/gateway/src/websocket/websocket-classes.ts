import { Injectable, Logger } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { GATEWAY_METADATA } from '@nestjs/websockets/constants.js';
import { WebSocket } from 'ws';
import { CLOSE_REASON } from './relay/close-reasons.js';

type Handler = (client: WebSocket, ...rest: unknown[]) => unknown;

/** The methods of a `@WebSocketGateway()` class that Nest calls for each socket. */
const HANDLERS = ['handleConnection', 'handleDisconnect'] as const;

/** The `@WebSocketGateway()` classes of the application. */
@Injectable()
export class WebSocketClasses {
  private readonly logger = new Logger(WebSocketClasses.name);

  constructor(private readonly discovery: DiscoveryService) {}

  /**
   * Wraps the handlers of all classes: if a handler fails, logs the error and closes its socket with 1011. Nest would
   * let the error end the process. Call before Nest binds the handlers.
   */
  containFailures(): void {
    for (const { instance, metatype } of this.discovery.getProviders()) {
      if (!instance || !metatype || !Reflect.hasMetadata(GATEWAY_METADATA, metatype)) continue;
      const handlers = instance as Record<string, Handler | undefined>;
      for (const name of HANDLERS) {
        const handler = handlers[name]?.bind(instance);
        if (handler) handlers[name] = this.contained(`${metatype.name}.${name}`, handler);
      }
    }
  }

  private contained(name: string, handler: Handler): Handler {
    return async (client, ...rest) => {
      try {
        await handler(client, ...rest);
      } catch (error) {
        this.logger.error({ message: 'websocket handler failed', handler: name, err: error });
        if (client.readyState === WebSocket.OPEN) {
          client.close(CLOSE_REASON.INTERNAL_ERROR.code, CLOSE_REASON.INTERNAL_ERROR.reason);
        }
      }
    };
  }
}
