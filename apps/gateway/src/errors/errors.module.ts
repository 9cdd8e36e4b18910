import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CorsModule } from '../cors/cors.module.js';
import { ObservabilityModule } from '../observability/observability.module.js';
import { ClientErrorResponder } from './client-error.responder.js';
import { ErrorResponder } from './error.responder.js';
import { GatewayExceptionFilter } from './exception.filter.js';

@Module({
  imports: [CorsModule, ObservabilityModule],
  providers: [
    ClientErrorResponder,
    ErrorResponder,
    { provide: APP_FILTER, useClass: GatewayExceptionFilter },
  ],
  exports: [ErrorResponder],
})
export class ErrorsModule {}
