import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ObservabilityModule } from '../observability/observability.module.js';
import { RedisHealth } from './redis.health.js';
import { RedisMetrics } from './redis-metrics.js';
import { RedisConnection } from './redis.connection.js';

@Module({
  imports: [ObservabilityModule, TerminusModule.forRoot({ logger: false })],
  providers: [RedisConnection, RedisHealth, RedisMetrics],
  exports: [RedisConnection],
})
export class RedisModule {}
