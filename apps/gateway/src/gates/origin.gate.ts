import { OriginForbiddenException } from '@app/gateway';
import type { Exchange, Gate } from '@app/proxy';
import { Injectable } from '@nestjs/common';
import { CorsPolicy } from '../cors/cors-policy.js';

/** Refuses browsers on foreign pages; a request without an `Origin` is no browser's and passes. */
@Injectable()
export class OriginGate implements Gate {
  constructor(private readonly cors: CorsPolicy) {}

  check(exchange: Exchange): void {
    if (!this.cors.isAllowed(exchange)) throw new OriginForbiddenException();
    this.cors.describeUpstream(exchange);
  }
}
