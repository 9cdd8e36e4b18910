import type { IncomingMessage, ServerResponse } from 'node:http';
import { exchangeOf } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { OriginGate } from './origin.gate.js';

/** How long a browser may remember the answer, in seconds. */
const MAX_AGE = '86400';

/**
 * Answers CORS preflights (Fetch standard, section 3.2.2) before the gates: a browser sends no token with them, and
 * the services never see them.
 */
@Injectable()
export class PreflightMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  constructor(private readonly origin: OriginGate) {}

  use(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const { headers } = request;
    if (request.method !== 'OPTIONS' || !headers.origin || !headers['access-control-request-method']) {
      next();
      return;
    }
    const exchange = exchangeOf(request)!;
    this.origin.admit(exchange);
    response.writeHead(204, [
      ...exchange.responseHeaders,
      'Access-Control-Allow-Methods',
      'GET, POST, PUT, PATCH, DELETE, OPTIONS',
      'Access-Control-Allow-Headers',
      'Content-Type, Authorization',
      'Access-Control-Max-Age',
      MAX_AGE,
    ]);
    response.end();
  }
}
