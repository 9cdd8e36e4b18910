import type { Gate } from '@app/proxy';
import { Module } from '@nestjs/common';
import { CorsModule } from '../cors/cors.module.js';
import { AuthGate } from './auth.gate.js';
import { RateLimiter } from '../limits/rate-limiter.js';
import { OverloadModule } from '../overload/overload.module.js';
import { RedisModule } from '../redis/redis.module.js';
import { OriginGate } from './origin.gate.js';
import { OverloadGate } from './overload.gate.js';
import { RateLimitGate } from './rate-limit.gate.js';

/**
 * The gateway's gates in the order in which they run: the cheapest refusal first, but the origin before all, so that a
 * page may read why it was refused and when to come back.
 */
export const GATES = Symbol('GATES');

@Module({
  imports: [CorsModule, OverloadModule, RedisModule],
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
