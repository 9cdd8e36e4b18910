import type { IncomingMessage, ServerResponse } from 'node:http';
import { pathOf } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { GatewayHttpAdapter } from './gateway-http.adapter.js';

/** Refuses what neither an upstream's route nor a controller names, so that strangers' paths do not get to Express. */
@Injectable()
export class UnroutedMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  constructor(private readonly adapterHost: HttpAdapterHost<GatewayHttpAdapter>) {}

  /** @throws NotFoundException, RouteMethodException */
  use(request: IncomingMessage, _response: ServerResponse, next: () => void): void {
    const { controllers } = this.adapterHost.httpAdapter;
    const refusal = controllers.exceptionFor(request.method!, pathOf(request.url!));
    if (refusal) throw refusal;
    next();
  }
}
