import type { Exchange, Gate } from '@app/proxy';
import { Inject, Injectable } from '@nestjs/common';
import { GATEWAY_CONFIG, type GatewayConfig } from '../config/gateway-config.js';
import { OriginForbiddenException } from '../errors/exceptions.js';

/**
 * Refuses browsers on foreign pages: an `Origin` must be on the list, exactly; a request without one is no
 * browser's and passes. What passes gets the CORS headers of the Fetch standard, section 3.2.3.
 */
@Injectable()
export class OriginGate implements Gate {
  private readonly allowed: ReadonlyMap<string, readonly string[]>;

  constructor(@Inject(GATEWAY_CONFIG) config: GatewayConfig) {
    this.allowed = new Map(
      [...config.allowedOrigins].map((origin) => [origin, corsHeadersFor(origin)] as const),
    );
  }

  admit(exchange: Exchange): void {
    const { origin } = exchange.request.headers;
    if (origin === undefined) {
      // The answer to a page would differ: a cache must not give it this one.
      exchange.responseHeaders.push('Vary', 'Origin');
      return;
    }
    const headers = this.allowed.get(origin);
    if (!headers) {
      exchange.responseHeaders.push('Vary', 'Origin');
      throw new OriginForbiddenException();
    }
    exchange.responseHeaders.push(...headers);
  }
}

function corsHeadersFor(origin: string): readonly string[] {
  return [
    'Access-Control-Allow-Origin',
    origin,
    'Access-Control-Allow-Credentials',
    'true',
    'Access-Control-Expose-Headers',
    'X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Gateway-Error',
    'Vary',
    'Origin',
  ];
}
