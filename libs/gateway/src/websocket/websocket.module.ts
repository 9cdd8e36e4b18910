import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ObservabilityModule } from '../observability/observability.module.js';
import { ByteBudget, evictGreatest } from './relay/byte-budget.js';
import { Relays } from './relay/relays.js';
import { RelayLog } from './relay/relay-record.js';
import { RelayContext } from './relay/relay-context.js';
import { UpstreamDialer } from './handshake/upstream-dialer.js';
import { WebSocketMetrics } from './relay/websocket-metrics.js';
import { WebSocketRoutes } from './websocket-routes.js';

@Module({
  imports: [DiscoveryModule, ObservabilityModule],
  providers: [
    Relays,
    RelayLog,
    RelayContext,
    UpstreamDialer,
    WebSocketMetrics,
    WebSocketRoutes,
    {
      provide: ByteBudget,
      inject: [SETTINGS, Relays],
      useFactory: ({ websocket }: Settings, relays: Relays) =>
        new ByteBudget(websocket.bufferBytes, (account, bytes) => evictGreatest(relays, account, bytes)),
    },
  ],
  exports: [Relays, RelayContext, UpstreamDialer, WebSocketRoutes],
})
export class WebSocketModule {}
