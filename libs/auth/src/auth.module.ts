import { partInUse } from '@app/proxy/internal';
import { Global, Module } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import { AccessTokenVerifier } from './access-token.verifier.js';
import { AuthGuard } from './auth.guard.js';
import { AUTH_OPTIONS, ConfigurableAuthModule, type AuthOptions } from './auth.options.js';
import { Authenticator } from './authenticator.js';
import { GuardedRevocationSource } from './guarded-revocation.source.js';
import { RedisRevocationSource } from './redis-revocation.source.js';
import { RevocationSource } from './revocation.source.js';
import { RevocationStore } from './revocation.store.js';

/** Authentication for gates and controllers of every module. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    JwtService,
    {
      provide: RevocationSource,
      inject: [AUTH_OPTIONS],
      useFactory: ({ redis }: AuthOptions) => new RedisRevocationSource(redis),
    },
    {
      provide: RevocationStore,
      inject: [AUTH_OPTIONS, RevocationSource, DiscoveryService],
      useFactory: (options: AuthOptions, builtIn: RevocationSource, discovery: DiscoveryService) =>
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
  { lookupTimeoutMs }: AuthOptions,
): RevocationSource {
  const source = partInUse(discovery, RevocationSource, builtIn, ['load']);
  return source === builtIn ? source : new GuardedRevocationSource(source, lookupTimeoutMs);
}
