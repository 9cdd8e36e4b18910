import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  INTERNAL_ERROR,
  OWN_RESPONSE_HEADERS,
  toErrorResponse,
  type ErrorResponse,
} from '../http/error-response.js';
import type { Responder } from '../http/responder.js';
import { exchangeOf, type Exchange } from '@app/proxy';
import { HttpException, Injectable, Logger } from '@nestjs/common';

/**
 * Writes exactly one response to every exception, for requests and handshakes, from the chain before Express and from
 * Nest's exception filter. If bytes of another response have been sent, destroys the connection, so that the client
 * does not take half a response for a whole one. Never throws: an exception whose response cannot be written becomes a
 * 500.
 */
@Injectable()
export class ErrorResponder implements Responder {
  private readonly logger = new Logger(ErrorResponder.name);

  respond(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const exchange = exchangeOf(request);
    if (!(thrown instanceof HttpException)) this.logUnexpected(thrown, exchange);
    if (exchange) exchange.failure ??= asHttpException(thrown);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    try {
      write(response, this.formOf(thrown, exchange), exchange);
    } catch (error) {
      // Node cannot write a header or the body of a team.
      this.writeInternalError(response, error, exchange);
    }
  }

  /** Makes the response to an exception. Subclasses may override this. */
  protected toErrorResponse(exception: unknown, requestId: string): ErrorResponse {
    return toErrorResponse(exception, requestId);
  }

  /** If a subclass fails to make the response, it gets the gateway's own form. */
  private formOf(thrown: unknown, exchange: Exchange | undefined): ErrorResponse {
    const id = exchange?.id ?? '';
    try {
      return this.toErrorResponse(thrown, id);
    } catch (error) {
      this.logUnexpected(error, exchange);
      return toErrorResponse(thrown, id);
    }
  }

  private writeInternalError(response: ServerResponse, error: unknown, exchange: Exchange | undefined): void {
    this.logUnexpected(error, exchange);
    if (exchange) exchange.failure = asHttpException(error);
    try {
      if (response.headersSent) response.destroy();
      else write(response, toErrorResponse(error, exchange?.id ?? ''), exchange);
    } catch {
      // A gate has added a header that Node cannot write.
      response.destroy();
    }
  }

  private logUnexpected(err: unknown, exchange: Exchange | undefined): void {
    this.logger.error({ message: 'unexpected error', request_id: exchange?.id, err });
  }
}

function write(
  response: ServerResponse,
  { status, body, headers, contentType }: ErrorResponse,
  exchange: Exchange | undefined,
): void {
  // A controller may have set headers for a body that is not sent.
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  // Without the phrase, Node would repeat the phrase of an upstream's response that failed.
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

/** The exception for the access log line. The client reads nothing of it. */
function asHttpException(thrown: unknown): HttpException {
  if (thrown instanceof HttpException) return thrown;
  return new HttpException('Internal server error', 500, { errorCode: INTERNAL_ERROR, cause: thrown });
}
