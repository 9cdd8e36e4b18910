import type { Gate } from '@app/proxy';
import { Module } from '@nestjs/common';
import { AuthGate } from './auth.gate.js';
import { RateLimiter } from '../limits/rate-limiter.js';
import { RedisModule } from '../redis/redis.module.js';
import { OriginGate } from './origin.gate.js';
import { RateLimitGate } from './rate-limit.gate.js';

/** The gateway's gates in the order in which they run: the cheapest refusal first. */
export const GATES = Symbol('GATES');

@Module({
  imports: [RedisModule],
  providers: [
    OriginGate,
    AuthGate,
    RateLimitGate,
    RateLimiter,
    {
      provide: GATES,
      inject: [OriginGate, AuthGate, RateLimitGate],
      useFactory: (...gates: Gate[]) => gates,
    },
  ],
  exports: [GATES, OriginGate],
})
export class GatesModule {}
