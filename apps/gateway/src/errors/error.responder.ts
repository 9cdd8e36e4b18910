import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { toErrorResponse, INTERNAL_ERROR, OWN_RESPONSE_HEADERS } from '@app/gateway';
import { exchangeOf, type Exchange } from '@app/proxy';
import { HttpException, Injectable, Logger } from '@nestjs/common';

/**
 * The only place that turns an exception into a response, for the chain before Express and for Nest's exception filter:
 * exactly one, and if bytes of another are out already, a broken connection, so that the client does not take half a
 * response for a whole one.
 */
@Injectable()
export class ErrorResponder {
  private readonly logger = new Logger(ErrorResponder.name);

  /** Never throws: an exception that cannot be written is a 500. */
  respond(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const exchange = exchangeOf(request);
    try {
      if (!(thrown instanceof HttpException)) this.logUnexpected(thrown, exchange);
      if (exchange) exchange.failure ??= asHttpException(thrown);
      if (response.headersSent) response.destroy();
      else write(request, response, thrown, exchange);
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

  private logUnexpected(err: unknown, exchange: Exchange | undefined): void {
    this.logger.error({ message: 'unexpected error', request_id: exchange?.id, err });
  }
}

function write(
  request: IncomingMessage,
  response: ServerResponse,
  thrown: unknown,
  exchange: Exchange | undefined,
): void {
  const { status, body, headers } = toErrorResponse(thrown, exchange?.id ?? '');
  // A controller may have set headers of a body that now does not come.
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  // With its phrase, or Node would repeat one that a service sent before it failed.
  response.writeHead(status, STATUS_CODES[status] ?? 'Error', [
    ...(exchange?.responseHeaders ?? []),
    ...headers,
    ...OWN_RESPONSE_HEADERS,
    ...(body === '' ? [] : ['Content-Type', 'application/json; charset=utf-8']),
    'Content-Length',
    String(Buffer.byteLength(body)),
  ]);
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** For the access line; the client reads nothing of it. */
function asHttpException(thrown: unknown): HttpException {
  if (thrown instanceof HttpException) return thrown;
  return new HttpException('Internal server error', 500, { errorCode: INTERNAL_ERROR, cause: thrown });
}
