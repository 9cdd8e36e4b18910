import { SETTINGS, type Settings } from '@app/gateway';
import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ByteBudget } from './byte-budget.js';
import { ChatGateway } from './chat.gateway.js';
import { Relays } from './relays.js';
import { RelayLog } from './relay-log.js';
import { RelayContext } from './relay-context.js';
import { UpstreamDialer } from './upstream-dialer.js';
import { SignalingGateway } from './signaling.gateway.js';
import { WebSocketClasses } from './websocket-classes.js';
import { WebSocketMetrics } from './websocket-metrics.js';
import { WebSocketRoutes } from './websocket-routes.js';

@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    ChatGateway,
    SignalingGateway,
    Relays,
    RelayLog,
    RelayContext,
    UpstreamDialer,
    WebSocketClasses,
    WebSocketMetrics,
    WebSocketRoutes,
    {
      provide: ByteBudget,
      inject: [SETTINGS],
      useFactory: ({ websocket }: Settings) => new ByteBudget(websocket.bufferBytes),
    },
  ],
  exports: [Relays, RelayContext, WebSocketClasses, WebSocketRoutes],
})
export class WebSocketModule {}
