import { Module } from '@nestjs/common';
import { HalfClosedConnections } from './half-closed-connections.js';
import { IdleConnections } from './idle-connections.js';
import { OpenExchanges } from './open-exchanges.js';
import { StalledResponses } from './stalled-responses.js';

/** Providers that watch client connections and the exchanges on them. */
@Module({
  providers: [HalfClosedConnections, IdleConnections, OpenExchanges, StalledResponses],
  exports: [IdleConnections, OpenExchanges],
})
export class HttpModule {}
