import { Global, Module } from '@nestjs/common';
import { DrainService } from './drain.service.js';
import { StalledResponses } from './stalled-responses.js';
import { OpenExchanges } from './open-exchanges.js';

@Global()
@Module({
  providers: [DrainService, OpenExchanges, StalledResponses],
  exports: [DrainService, OpenExchanges],
})
export class LifecycleModule {}
