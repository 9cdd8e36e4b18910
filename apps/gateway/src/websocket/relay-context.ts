import { Authenticator } from '@app/auth';
import { Inject, Injectable } from '@nestjs/common';
import { GATEWAY_CONFIG, type GatewayConfig, type WebSocketConfig } from '../config/gateway-config.js';
import { ByteBudget } from './byte-budget.js';
import { makeRoom } from './eviction.js';
import { LiveRelays } from './live-relays.js';
import { RelayLog } from './relay-log.js';
import { ServiceDialer } from './service-dialer.js';
import { WebSocketMetrics } from './websocket-metrics.js';

/** What every relay needs of the application. */
@Injectable()
export class RelayContext {
  readonly config: WebSocketConfig;

  constructor(
    @Inject(GATEWAY_CONFIG) config: GatewayConfig,
    readonly budget: ByteBudget,
    readonly authenticator: Authenticator,
    readonly dialer: ServiceDialer,
    readonly live: LiveRelays,
    readonly log: RelayLog,
    readonly metrics: WebSocketMetrics,
  ) {
    this.config = config.websocket;
    budget.makeRoom = (account, bytes) => makeRoom(live, account, bytes);
  }
}
