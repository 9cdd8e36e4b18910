import { REVOCATION_STATES, RevocationStore } from '@app/auth/internal';
import { Injectable } from '@nestjs/common';
import {
  registerEventMetrics,
  registerScrapedMetrics,
  type ScrapedMetric,
} from '../observability/metric-table.js';
import { Metrics } from '../observability/metrics.js';
import { RedisConnection } from './redis.connection.js';

interface Sources {
  readonly redis: RedisConnection;
  readonly revocations: RevocationStore;
}

const SCRAPED: readonly ScrapedMetric<Sources>[] = [
  {
    name: 'redis_connections',
    help: 'Connections to Redis that are ready',
    read: ({ redis }) => (redis.client.status === 'ready' ? 1 : 0),
  },
  {
    name: 'redis_degraded_mode',
    help: '1 while Redis is away or refuses writes, and the gateway counts limits in its memory',
    read: ({ redis }) => (redis.isUp || !redis.isUsed ? 0 : 1),
  },
  {
    name: 'revocation_in_memory',
    help: '1 while the memory contains every revoked token; 0 while the gateway looks up unknown tokens in Redis',
    read: ({ revocations }) => (revocations.isComplete ? 1 : 0),
  },
  {
    name: 'gateway_revocation_state',
    help: 'State of the revocation list in memory: the series of the current state is 1, the others are 0',
    labels: ['state'],
    read: ({ revocations }) =>
      REVOCATION_STATES.map((state) => [{ state }, revocations.state === state ? 1 : 0]),
  },
  {
    name: 'gateway_revocations',
    help: 'Revoked tokens and sessions in memory',
    read: ({ revocations }) => revocations.size,
  },
];

const EVENTS = {
  commandDuration: {
    name: 'redis_command_duration_seconds',
    help: 'Seconds until Redis responded to a command, or the command timed out',
    // From the response of a Redis on the same machine to the timeout of a command.
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1],
  },
} as const;

/** Metrics of Redis and of the revocations that come from it. */
@Injectable()
export class RedisMetrics {
  constructor({ registry }: Metrics, redis: RedisConnection, revocations: RevocationStore) {
    registerScrapedMetrics(registry, SCRAPED, { redis, revocations });
    const { commandDuration } = registerEventMetrics(registry, EVENTS);
    redis.onCommand((elapsedMs) => commandDuration.observe(elapsedMs / 1000));
  }
}
