import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  INTERNAL_ERROR,
  OWN_RESPONSE_HEADERS,
  toErrorResponse,
  type ErrorResponse,
} from '../http/error-response.js';
import type { Responder } from '../http/responder.js';
import { exchangeOf, type Exchange } from '@app/proxy';
import { ignoreRejection, PartFailures, partInUse } from '@app/proxy/internal';
import { HttpException, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { checkedResponse } from './checked-response.js';
import { ErrorResponder } from './error.responder.js';

/** Headers that a guard sets for its refusal, such as the `Retry-After-LOGIN` of a throttler; `writeHead` replaces them. */
const OF_REFUSALS = /^(?:retry-after|www-authenticate)/;

/**
 * Writes exactly one response to every exception, for requests and handshakes, from the chain before Express and from
 * Nest's exception filter, in the form of the error responder in use. If bytes of another response have been sent, destroys the
 * connection, so that the client does not take half a response for a whole one. Never throws: if a team's responder fails, the
 * gateway's own takes over; an exception whose response cannot be written becomes a 500.
 */
@Injectable()
export class ExceptionResponder implements Responder, OnModuleInit {
  private readonly logger = new Logger('ErrorResponder');
  private readonly failures = new PartFailures(this.logger, 'error responder failed');
  /** That of a team. */
  private replacement: ErrorResponder | undefined;

  constructor(
    private readonly builtIn: ErrorResponder,
    private readonly discovery: DiscoveryService,
  ) {}

  /** @throws PartConfigurationError */
  onModuleInit(): void {
    const responder = partInUse(this.discovery, ErrorResponder, this.builtIn, ['toErrorResponse']);
    if (responder !== this.builtIn) this.replacement = responder;
  }

  respond(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const exchange = exchangeOf(request);
    if (!(thrown instanceof HttpException)) this.logUnexpected(thrown, exchange);
    if (exchange) exchange.failure ??= asHttpException(thrown);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (this.replacement && this.tryReplacement(this.replacement, response, thrown)) return;
    try {
      write(response, this.builtIn.toErrorResponse(thrown, exchange?.id ?? ''), exchange);
    } catch (error) {
      // Node cannot write a header or the body of a team's exception.
      this.writeInternalError(response, error, exchange);
    }
  }

  /** Writes the response of a team's responder. @returns false if the responder failed before a byte was sent */
  private tryReplacement(responder: ErrorResponder, response: ServerResponse, thrown: unknown): boolean {
    const exchange = exchangeOf(response.req);
    const id = exchange?.id ?? '';
    try {
      const result: unknown = responder.toErrorResponse(thrown, id);
      ignoreRejection(result);
      write(response, checkedResponse(result), exchange);
      return true;
    } catch (error) {
      this.failures.report(error, { request_id: id });
      if (response.headersSent) response.destroy();
      return response.headersSent;
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
  for (const name of response.getHeaderNames()) if (!OF_REFUSALS.test(name)) response.removeHeader(name);
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
  // Nest 11 has no such option.
  const exception = new HttpException('Internal server error', 500, { cause: thrown });
  return Object.assign(exception, { errorCode: INTERNAL_ERROR });
}
