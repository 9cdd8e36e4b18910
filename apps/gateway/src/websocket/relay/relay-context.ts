import { SETTINGS, type Settings, type WebSocketSettings } from '@app/gateway';
import { Authenticator } from '@app/auth';
import { Inject, Injectable } from '@nestjs/common';
import { ByteBudget } from './byte-budget.js';
import { RelayLog } from './relay-record.js';
import { Relays } from './relays.js';
import { WebSocketMetrics } from './websocket-metrics.js';

/** What every relay needs of the application. */
@Injectable()
export class RelayContext {
  readonly config: WebSocketSettings;

  constructor(
    @Inject(SETTINGS) config: Settings,
    readonly budget: ByteBudget,
    readonly authenticator: Authenticator,
    readonly live: Relays,
    readonly log: RelayLog,
    readonly metrics: WebSocketMetrics,
  ) {
    this.config = config.websocket;
  }
}
