import { GATEWAY_CONFIG, type GatewayConfig } from '@app/gateway';
import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ObservabilityModule } from '../observability/observability.module.js';
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

@Module({
  imports: [DiscoveryModule, ObservabilityModule],
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
      inject: [GATEWAY_CONFIG],
      useFactory: ({ websocket }: GatewayConfig) => new ByteBudget(websocket.bufferBytes),
    },
  ],
  exports: [Relays, RelayContext, WebSocketClasses, WebSocketRoutes],
})
export class WebSocketModule {}
