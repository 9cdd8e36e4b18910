import type { IncomingMessage, ServerResponse } from 'node:http';
import { pathOf } from '@app/proxy/internal';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { GatewayHttpAdapter } from './gateway-http.adapter.js';

/** Refuses requests for which neither an upstream nor a controller has a route, so that they do not reach Express. */
@Injectable()
export class UnroutedMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  constructor(private readonly adapterHost: HttpAdapterHost<GatewayHttpAdapter>) {}

  /** @throws NotFoundException, RouteMethodException */
  use(request: IncomingMessage, _response: ServerResponse, next: () => void): void {
    const { controllers } = this.adapterHost.httpAdapter;
    const exception = controllers.exceptionFor(request.method!, pathOf(request.url!));
    if (exception) throw exception;
    next();
  }
}
