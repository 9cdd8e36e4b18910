import type { Gate } from '@app/proxy';
import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { CorsModule } from '../cors/cors.module.js';
import { AuthGate } from './auth.gate.js';
import { RateLimiter } from '../limits/rate-limiter.js';
import { OverloadModule } from '../overload/overload.module.js';
import { RedisModule } from '../redis/redis.module.js';
import { OriginGate } from './origin.gate.js';
import { OverloadGate } from './overload.gate.js';
import { RateLimitGate } from './rate-limit.gate.js';

/**
 * The gateway's gates in the order in which they run: the cheapest first, but the origin gate before all others, so
 * that a page can read why its request was refused and when to retry.
 */
export const GATES = Symbol('GATES');

@Module({
  imports: [CorsModule, DiscoveryModule, OverloadModule, RedisModule],
  providers: [
    OriginGate,
    OverloadGate,
    AuthGate,
    RateLimitGate,
    RateLimiter,
    {
      provide: GATES,
      inject: [OriginGate, OverloadGate, AuthGate, RateLimitGate],
      useFactory: (...gates: Gate[]) => gates,
    },
  ],
  exports: [GATES],
})
export class GatesModule {}
