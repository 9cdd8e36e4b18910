import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { ObservabilityModule } from '../observability/observability.module.js';
import { RateLimitStore } from '../limits/rate-limit.store.js';
import { RedisRateLimitStore } from './redis-rate-limit.store.js';
import { RedisHealth } from './redis.health.js';
import { RedisMetrics } from './redis-metrics.js';
import { RedisConnection } from './redis.connection.js';

@Module({
  imports: [DiscoveryModule, ObservabilityModule, TerminusModule.forRoot({ logger: false })],
  providers: [
    RedisConnection,
    RedisHealth,
    RedisMetrics,
    { provide: RateLimitStore, useClass: RedisRateLimitStore },
  ],
  exports: [RateLimitStore, RedisConnection],
})
export class RedisModule {}
