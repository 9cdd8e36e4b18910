import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { RedisHealth } from './redis.health.js';
import { RedisMetrics } from './redis-metrics.js';
import { RedisConnection } from './redis.connection.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  providers: [RedisConnection, RedisHealth, RedisMetrics],
  exports: [RedisConnection],
})
export class RedisModule {}
