import type { IncomingMessage, ServerResponse } from 'node:http';
import { OriginForbiddenException } from '@app/gateway';
import { exchangeOf, pathOf, UpstreamRegistry } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { CorsPolicy } from './cors-policy.js';

/**
 * Answers CORS preflights (Fetch standard, section 3.2.2) before the gates: a browser sends no token with them, and
 * the services never see them.
 */
@Injectable()
export class PreflightMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  constructor(
    private readonly cors: CorsPolicy,
    private readonly registry: UpstreamRegistry,
  ) {}

  use(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const { headers, url } = request;
    const method = headers['access-control-request-method'];
    if (request.method !== 'OPTIONS' || !headers.origin || !method) {
      next();
      return;
    }
    const exchange = exchangeOf(request)!;
    if (!this.cors.isAllowed(exchange)) throw new OriginForbiddenException();
    response.writeHead(204, [
      ...exchange.responseHeaders,
      ...this.cors.preflightFor(this.upstreamOf(pathOf(url!), method)),
    ]);
    response.end();
  }

  /** Of the method, or of another one of the path, which then answers with 405. */
  private upstreamOf(path: string, method: string): string | undefined {
    const rows = this.registry.find(path)?.byMethod;
    return (rows?.get(method) ?? rows?.values().next().value)?.upstream;
  }
}
