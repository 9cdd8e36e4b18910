import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  INTERNAL_ERROR,
  OWN_RESPONSE_HEADERS,
  toErrorResponse,
  type ErrorResponse,
  type Responder,
} from '@app/gateway';
import { exchangeOf, type Exchange } from '@app/proxy';
import { HttpException, Injectable, Logger } from '@nestjs/common';

/**
 * Turns every exception into a response, for requests and handshakes, of the chain before Express and of Nest's exception
 * filter: exactly one. If bytes of another response are out, it destroys the connection, so that the client does not take
 * half a response for a whole one. Never throws: an exception that cannot be written is a 500.
 */
@Injectable()
export class ErrorResponder implements Responder {
  private readonly logger = new Logger(ErrorResponder.name);

  respond(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const exchange = exchangeOf(request);
    try {
      if (!(thrown instanceof HttpException)) this.logUnexpected(thrown, exchange);
      if (exchange) exchange.failure ??= asHttpException(thrown);
      if (response.headersSent) response.destroy();
      else this.write(response, thrown, exchange);
    } catch (error) {
      if (thrown instanceof HttpException && !response.headersSent) {
        // A header or a body of a team's exception that cannot be written: a fault of the gateway, as any other.
        if (exchange) exchange.failure = undefined;
        this.respond(request, response, error);
      } else {
        this.logUnexpected(error, exchange);
        response.destroy();
      }
    }
  }

  /** What the client reads of an exception. A class that extends this one may replace it. */
  protected toErrorResponse(exception: unknown, requestId: string): ErrorResponse {
    return toErrorResponse(exception, requestId);
  }

  private write(response: ServerResponse, thrown: unknown, exchange: Exchange | undefined): void {
    const { status, body, headers, contentType } = this.toErrorResponse(thrown, exchange?.id ?? '');
    // A controller may have set headers of a body that now does not come.
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    // With its phrase, or Node would repeat one that a service sent before it failed.
    response.writeHead(status, STATUS_CODES[status] ?? 'Error', [
      ...(exchange?.responseHeaders ?? []),
      ...headers,
      ...OWN_RESPONSE_HEADERS,
      ...(body === '' ? [] : ['Content-Type', contentType ?? 'application/json; charset=utf-8']),
      'Content-Length',
      String(Buffer.byteLength(body)),
    ]);
    response.end(response.req.method === 'HEAD' ? undefined : body);
  }

  private logUnexpected(err: unknown, exchange: Exchange | undefined): void {
    this.logger.error({ message: 'unexpected error', request_id: exchange?.id, err });
  }
}

/** For the access line; the client reads nothing of it. */
function asHttpException(thrown: unknown): HttpException {
  if (thrown instanceof HttpException) return thrown;
  return new HttpException('Internal server error', 500, { errorCode: INTERNAL_ERROR, cause: thrown });
}
