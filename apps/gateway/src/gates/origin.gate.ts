import { OriginForbiddenException } from '@app/gateway';
import type { Exchange, Gate } from '@app/proxy';
import { Injectable } from '@nestjs/common';
import { CorsPolicy } from '../cors/cors-policy.js';

/**
 * Refuses requests from pages whose origin is not allowed. Requests without an `Origin` come from no page, and pass.
 */
@Injectable()
export class OriginGate implements Gate {
  constructor(private readonly cors: CorsPolicy) {}

  check(exchange: Exchange): void {
    if (!this.cors.isAllowed(exchange)) throw new OriginForbiddenException();
    this.cors.describeUpstream(exchange);
  }
}
