import { SETTINGS, type Settings, type WebSocketSettings } from '../../settings/complete-settings.js';
import { Authenticator } from '@app/auth';
import { Inject, Injectable } from '@nestjs/common';
import { ByteBudget } from './byte-budget.js';
import { RelayLog } from './relay-record.js';
import { Relays } from './relays.js';
import { WebSocketMetrics } from './websocket-metrics.js';

/** The settings and services of the application that every relay uses. */
@Injectable()
export class RelayContext {
  readonly config: WebSocketSettings;
  @Inject() readonly budget!: ByteBudget;
  @Inject() readonly authenticator!: Authenticator;
  @Inject() readonly live!: Relays;
  @Inject() readonly log!: RelayLog;
  @Inject() readonly metrics!: WebSocketMetrics;

  constructor(@Inject(SETTINGS) { websocket }: Settings) {
    this.config = websocket;
  }
}
