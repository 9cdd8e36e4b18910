import { partInUse } from '@app/proxy/internal';
import { Global, Module } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import { AccessTokenVerifier } from './access-token.verifier.js';
import { AuthGuard } from './auth.guard.js';
import {
  AUTH_OPTIONS,
  ConfigurableAuthModule,
  GIVEN_AUTH_OPTIONS,
  resolveAuthOptions,
  type ResolvedAuthOptions,
} from './auth.options.js';
import { Authenticator } from './authenticator.js';
import { GuardedRevocationSource } from './guarded-revocation.source.js';
import { NoRevocations } from './no-revocations.source.js';
import { RedisRevocationSource } from './redis-revocation.source.js';
import { RevocationSource } from './revocation.source.js';
import { RevocationStore } from './revocation.store.js';

/** Authentication for gates and controllers of every module. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    JwtService,
    { provide: AUTH_OPTIONS, inject: [GIVEN_AUTH_OPTIONS], useFactory: resolveAuthOptions },
    {
      provide: RevocationSource,
      inject: [AUTH_OPTIONS],
      useFactory: ({ redis }: ResolvedAuthOptions) =>
        redis ? new RedisRevocationSource(redis) : new NoRevocations(),
    },
    {
      provide: RevocationStore,
      inject: [AUTH_OPTIONS, RevocationSource, DiscoveryService],
      useFactory: (options: ResolvedAuthOptions, builtIn: RevocationSource, discovery: DiscoveryService) =>
        new RevocationStore(() => sourceInUse(discovery, builtIn, options), options.revokedTokens),
    },
    AccessTokenVerifier,
    Authenticator,
    AuthGuard,
  ],
  exports: [Authenticator, AuthGuard, RevocationStore],
})
export class AuthModule extends ConfigurableAuthModule {}

/** @throws PartConfigurationError */
function sourceInUse(
  discovery: DiscoveryService,
  builtIn: RevocationSource,
  { lookupTimeoutMs }: ResolvedAuthOptions,
): RevocationSource {
  const source = partInUse(discovery, RevocationSource, builtIn, ['load']);
  return source === builtIn ? source : new GuardedRevocationSource(source, lookupTimeoutMs);
}
