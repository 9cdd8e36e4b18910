import { Module } from '@nestjs/common';
import { APP_FILTER, DiscoveryModule } from '@nestjs/core';
import { CorsModule } from '../cors/cors.module.js';
import { ObservabilityModule } from '../observability/observability.module.js';
import { ActiveResponder } from './active.responder.js';
import { ClientErrorResponder } from './client-error.responder.js';
import { ErrorResponder } from './error.responder.js';
import { GatewayExceptionFilter } from './exception.filter.js';

@Module({
  imports: [CorsModule, DiscoveryModule, ObservabilityModule],
  providers: [
    ActiveResponder,
    ClientErrorResponder,
    ErrorResponder,
    { provide: APP_FILTER, useClass: GatewayExceptionFilter },
  ],
  exports: [ActiveResponder],
})
export class ErrorsModule {}
