import { REVOCATION_STATES, RevocationStore } from '@app/auth';
import { Injectable } from '@nestjs/common';
import { Gauge, Histogram } from 'prom-client';
import { Metrics } from '../observability/metrics.js';
import { RedisConnection } from './redis.connection.js';

/** Seconds; from a Redis on the same machine to the time that a command may take. */
const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

/** Figures of Redis, with the names of the contract. */
@Injectable()
export class RedisMetrics {
  constructor({ registry }: Metrics, redis: RedisConnection, revocations: RevocationStore) {
    const registers = [registry];
    new Gauge({
      name: 'redis_connections',
      help: 'Connections to Redis that are ready',
      registers,
      collect() {
        this.set(redis.client.status === 'ready' ? 1 : 0);
      },
    });
    new Gauge({
      name: 'redis_degraded_mode',
      help: '1 while Redis is bypassed, and limits and revocation go on from memory',
      registers,
      collect() {
        this.set(redis.isUp ? 0 : 1);
      },
    });
    new Gauge({
      name: 'revocation_in_memory',
      help: '1 while memory knows every revoked token; 0: Redis is asked for each token, as far as it can be',
      registers,
      collect() {
        this.set(revocations.isComplete ? 1 : 0);
      },
    });
    new Gauge({
      name: 'gateway_revocation_state',
      help: 'What memory knows of the revocations: all, fewer until they are read, fewer than there are, or none of now',
      labelNames: ['state'],
      registers,
      collect() {
        for (const state of REVOCATION_STATES) this.set({ state }, revocations.state === state ? 1 : 0);
      },
    });
    new Gauge({
      name: 'gateway_revocations',
      help: 'Revoked tokens and sessions in memory',
      registers,
      collect() {
        this.set(revocations.size);
      },
    });
    const durations = new Histogram({
      name: 'redis_command_duration_seconds',
      help: 'Until Redis answered a command, or it was given up',
      buckets: DURATION_BUCKETS,
      registers,
    });
    redis.onCommand((elapsedMs) => durations.observe(elapsedMs / 1000));
  }
}
