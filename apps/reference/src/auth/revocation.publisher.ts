import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';

/** A revoked access token. */
export interface RevokedToken {
  readonly jti: string;
  /** In seconds since 1970. */
  readonly expires_at: number;
}

/**
 * Tells the gateways which access tokens are revoked: a key in Redis for the rest of each token's life. While Redis is
 * away the commands wait; without a Redis nobody is told, and this service refuses such tokens by itself.
 */
@Injectable()
export class RevocationPublisher implements OnApplicationShutdown {
  readonly #redis: Redis | undefined;
  readonly #logger = new Logger();

  constructor(@Inject(SERVICE_CONFIG) { redisUrl }: ServiceConfig) {
    if (redisUrl === undefined) return;
    this.#redis = new Redis(redisUrl, { maxRetriesPerRequest: null, disconnectTimeout: 50 });
    this.#redis.on('error', (error) =>
      this.#logger.warn('redis cannot be reached', { reason: error.message }),
    );
  }

  publish(tokens: readonly RevokedToken[]): void {
    for (const { jti, expires_at } of tokens) {
      const seconds = expires_at - Math.floor(Date.now() / 1000);
      if (seconds <= 0) continue;
      this.#redis
        ?.set(`blacklist:${jti}`, 'revoked', 'EX', seconds)
        .catch((error: Error) =>
          this.#logger.error('revocation was not published', { reason: error.message }),
        );
    }
  }

  onApplicationShutdown(): void {
    this.#redis?.disconnect();
  }
}
