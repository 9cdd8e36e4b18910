import { Module } from '@nestjs/common';
import { APP_FILTER, DiscoveryModule } from '@nestjs/core';
import { CorsModule } from '../cors/cors.module.js';
import { ObservabilityModule } from '../observability/observability.module.js';
import { ClientErrorResponder } from './client-error.responder.js';
import { ErrorResponder, JsonErrorResponder } from './error.responder.js';
import { GatewayExceptionFilter } from './exception.filter.js';
import { ExceptionResponder } from './exception.responder.js';

@Module({
  imports: [CorsModule, DiscoveryModule, ObservabilityModule],
  providers: [
    ClientErrorResponder,
    ExceptionResponder,
    { provide: ErrorResponder, useClass: JsonErrorResponder },
    { provide: APP_FILTER, useClass: GatewayExceptionFilter },
  ],
  exports: [ExceptionResponder],
})
export class ErrorsModule {}
