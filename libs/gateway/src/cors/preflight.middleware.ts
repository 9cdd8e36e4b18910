import type { IncomingMessage, ServerResponse } from 'node:http';
import { OriginForbiddenException } from '../http/exceptions.js';
import { exchangeOf, pathOf, UpstreamRegistry, type CompiledRoute } from '@app/proxy/internal';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { CorsPolicy } from './cors-policy.js';

/**
 * Responds to CORS preflights (Fetch standard, section 3.2.2) before the gates, since browsers send no token with them.
 * Upstreams get no preflights, except for routes with `cors: 'upstream'`.
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
    const route = this.routeOf(pathOf(url!), method);
    if (route?.preflight) {
      exchange.route = route.preflight;
      next();
      return;
    }
    if (route?.options.crossOrigin === 'any') this.cors.describeAny(exchange);
    else if (!this.cors.isAllowed(exchange)) throw new OriginForbiddenException();
    response.writeHead(204, [...exchange.responseHeaders, ...this.cors.preflightFor(route?.upstream)]);
    response.end();
  }

  /** The route of a method of a path. If the path has no such method, that of another of its methods. */
  private routeOf(path: string, method: string): CompiledRoute | undefined {
    const routes = this.registry.find(path)?.byMethod;
    return routes?.get(method) ?? routes?.values().next().value;
  }
}
