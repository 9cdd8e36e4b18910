import { Global, Module } from '@nestjs/common';
import { DrainService } from './drain.service.js';
import { OpenExchanges } from './open-exchanges.js';

@Global()
@Module({ providers: [DrainService, OpenExchanges], exports: [DrainService, OpenExchanges] })
export class LifecycleModule {}
