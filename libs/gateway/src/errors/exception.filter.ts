import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GatewayHttpAdapter } from '../http/gateway-http.adapter.js';
import { pathOf, RouteMethodException } from '@app/proxy/internal';
import { Catch, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ExceptionResponder } from './exception.responder.js';

/** Passes exceptions of controllers to the responder. */
@Catch()
export class GatewayExceptionFilter implements ExceptionFilter {
  constructor(
    private readonly adapterHost: HttpAdapterHost<GatewayHttpAdapter>,
    private readonly responder: ExceptionResponder,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<IncomingMessage & { readonly route?: unknown }>();
    // Nest throws a 404 if a controller has the path but not the method.
    const isUnrouted = thrown instanceof NotFoundException && request.route === undefined;
    const exception = (isUnrouted && this.methodException(request)) || thrown;
    this.responder.respond(request, http.getResponse<ServerResponse>(), exception);
  }

  private methodException(request: IncomingMessage): RouteMethodException | undefined {
    const allow = this.adapterHost.httpAdapter.controllers.methodsFor(pathOf(request.url!));
    return allow === undefined ? undefined : new RouteMethodException(allow);
  }
}
