import { Global, Module } from '@nestjs/common';
import { GATEWAY_CONFIG, type GatewayConfig } from '../config/gateway-config.js';
import { ByteBudget } from './byte-budget.js';
import { ChatGateway } from './chat.gateway.js';
import { LiveRelays } from './live-relays.js';
import { RelayLog } from './relay-log.js';
import { RelayServices } from './relay.services.js';
import { ServiceDialer } from './service-dialer.js';
import { SignalingGateway } from './signaling.gateway.js';
import { WebSocketMetrics } from './websocket-metrics.js';
import { WebSocketRoutes } from './websocket-routes.js';

@Global()
@Module({
  providers: [
    ChatGateway,
    SignalingGateway,
    LiveRelays,
    RelayLog,
    RelayServices,
    ServiceDialer,
    WebSocketMetrics,
    WebSocketRoutes,
    {
      provide: ByteBudget,
      inject: [GATEWAY_CONFIG],
      useFactory: ({ websocket }: GatewayConfig) => new ByteBudget(websocket.bufferBytes),
    },
  ],
  exports: [LiveRelays, RelayServices, WebSocketRoutes],
})
export class WebSocketModule {}
