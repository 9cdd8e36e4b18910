import { Global, Module } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { AccessTokenVerifier } from './access-token.verifier.js';
import { AuthGuard } from './auth.guard.js';
import { AUTH_OPTIONS, ConfigurableAuthModule, type AuthOptions } from './auth.options.js';
import { Authenticator } from './authenticator.js';
import { RevocationStore } from './revocation.store.js';

/** Authentication for gates and controllers of every module. */
@Global()
@Module({
  providers: [
    JwtService,
    {
      provide: RevocationStore,
      inject: [AUTH_OPTIONS],
      useFactory: ({ redis, revokedTokens }: AuthOptions) => new RevocationStore(redis, revokedTokens),
    },
    AccessTokenVerifier,
    Authenticator,
    AuthGuard,
  ],
  exports: [Authenticator, AuthGuard, RevocationStore],
})
export class AuthModule extends ConfigurableAuthModule {}
