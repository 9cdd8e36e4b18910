import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ClientErrorResponder } from './client-error.responder.js';
import { GatewayExceptionFilter } from './exception.filter.js';

@Module({ providers: [ClientErrorResponder, { provide: APP_FILTER, useClass: GatewayExceptionFilter }] })
export class ErrorsModule {}
