import { OriginForbiddenException } from '../http/exceptions.js';
import type { Exchange, Gate } from '@app/proxy';
import { Injectable } from '@nestjs/common';
import { CorsPolicy } from '../cors/cors-policy.js';

/**
 * Refuses requests and handshakes from pages whose origin is not allowed. Requests without an `Origin` come from no page, and
 * pass. Routes with `cors: 'upstream'` or `crossOrigin: 'any'` accept every origin.
 */
@Injectable()
export class OriginGate implements Gate {
  constructor(private readonly cors: CorsPolicy) {}

  check(exchange: Exchange): void {
    const options = exchange.route?.options;
    if (options?.cors === 'upstream') return;
    if (options?.crossOrigin === 'any') {
      this.cors.describeAny(exchange);
      return;
    }
    if (!this.cors.isAllowed(exchange)) throw new OriginForbiddenException();
    this.cors.describeUpstream(exchange);
  }
}
