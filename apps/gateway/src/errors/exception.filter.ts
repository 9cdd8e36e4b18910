import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { exchangeOf, pathOf, RouteMethodException } from '@app/proxy';
import {
  Catch,
  HttpException,
  Logger,
  NotFoundException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { controllerMethodsFor } from './controller-methods.js';
import { answerFor, INTERNAL_ERROR, OWN_RESPONSE_HEADERS } from './error-answer.js';

/**
 * The only place that turns an exception into a response: exactly one, and where bytes of another are out already,
 * a broken connection, so that the client does not take half an answer for a whole one.
 */
@Catch()
export class GatewayExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger(GatewayExceptionFilter.name);

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<IncomingMessage & { readonly route?: unknown }>();
    const response = http.getResponse<ServerResponse>();
    // Nest says 404 where a controller has the path and not the method.
    const isUnrouted = thrown instanceof NotFoundException && request.route === undefined;
    const exception = (isUnrouted && this.methodRefusal(request)) || thrown;
    const exchange = exchangeOf(request);
    if (!(exception instanceof HttpException)) {
      this.logger.error({ message: 'unexpected error', request_id: exchange?.id, err: exception });
    }
    if (exchange) exchange.failure ??= asHttpException(exception);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const answer = answerFor(exception, exchange?.id ?? '');
    // A controller may have set headers of a body that now does not come.
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    // With its phrase, or Node would repeat one that a service sent before it failed.
    response.writeHead(answer.status, STATUS_CODES[answer.status] ?? 'Error', [
      ...(exchange?.responseHeaders ?? []),
      ...answer.headers,
      ...OWN_RESPONSE_HEADERS,
      ...(answer.body === '' ? [] : ['Content-Type', 'application/json; charset=utf-8']),
      'Content-Length',
      String(Buffer.byteLength(answer.body)),
    ]);
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  private methodRefusal(request: IncomingMessage): RouteMethodException | undefined {
    const allow = controllerMethodsFor(this.adapterHost.httpAdapter.getInstance(), pathOf(request.url!));
    return allow === undefined ? undefined : new RouteMethodException(allow);
  }
}

/** For the access line; the client reads nothing of it. */
function asHttpException(exception: unknown): HttpException {
  if (exception instanceof HttpException) return exception;
  return new HttpException('Internal server error', 500, { errorCode: INTERNAL_ERROR, cause: exception });
}
