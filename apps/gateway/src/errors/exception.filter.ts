import type { IncomingMessage, ServerResponse } from 'node:http';
import { exchangeOf } from '@app/proxy';
import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { answerFor } from './error-answer.js';

/**
 * The only place that turns an exception into a response: exactly one, and where bytes of another are out already,
 * a broken connection, so that the client does not take half an answer for a whole one.
 */
@Catch()
export class GatewayExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger(GatewayExceptionFilter.name);

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<IncomingMessage>();
    const response = http.getResponse<ServerResponse>();
    const exchange = exchangeOf(request);
    if (exception instanceof HttpException) {
      if (exchange) exchange.failure ??= exception;
    } else {
      this.logger.error({ message: 'unexpected error', request_id: exchange?.id, err: exception });
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const answer = answerFor(exception, exchange?.id ?? '');
    // A controller may have set headers of a body that now does not come.
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.writeHead(answer.status, [
      ...(exchange?.responseHeaders ?? []),
      ...answer.headers,
      ...(answer.body === '' ? [] : ['Content-Type', 'application/json; charset=utf-8']),
      'Content-Length',
      String(Buffer.byteLength(answer.body)),
    ]);
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }
}
