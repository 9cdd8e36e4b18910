import type { IncomingMessage, ServerResponse } from 'node:http';
import { OriginForbiddenException } from '@app/gateway';
import { exchangeOf, pathOf, UpstreamRegistry } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { CorsPolicy } from './cors-policy.js';

/**
 * Responds to CORS preflights (Fetch standard, section 3.2.2) before the gates, since browsers send no token with them.
 * Upstreams get no preflights.
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

  /** Upstream of a method of a path. If the path has no such method, the upstream of another of its methods. */
  private upstreamOf(path: string, method: string): string | undefined {
    const routes = this.registry.find(path)?.byMethod;
    return (routes?.get(method) ?? routes?.values().next().value)?.upstream;
  }
}
