import { SETTINGS, type Settings, type WebSocketSettings } from '@app/gateway';
import { Authenticator } from '@app/auth';
import { Inject, Injectable } from '@nestjs/common';
import { ByteBudget } from './byte-budget.js';
import { makeRoom } from './eviction.js';
import { Relays } from './relays.js';
import { RelayLog } from './relay-log.js';
import { UpstreamDialer } from './upstream-dialer.js';
import { WebSocketMetrics } from './websocket-metrics.js';

/** Of what sockets may hold, how much more handshakes may. */
const EARLY_SHARE = 1 / 8;

/** What every relay needs of the application. */
@Injectable()
export class RelayContext {
  readonly config: WebSocketSettings;
  /** What clients send before their 101. Past it they wait; it costs no relay. */
  readonly earlyBudget: ByteBudget;

  constructor(
    @Inject(SETTINGS) config: Settings,
    readonly budget: ByteBudget,
    readonly authenticator: Authenticator,
    readonly dialer: UpstreamDialer,
    readonly live: Relays,
    readonly log: RelayLog,
    readonly metrics: WebSocketMetrics,
  ) {
    this.config = config.websocket;
    this.earlyBudget = new ByteBudget(config.websocket.bufferBytes * EARLY_SHARE);
    budget.makeRoom = (account, bytes) => makeRoom(live, account, bytes);
  }
}
