import { createSecretKey } from 'node:crypto';
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
    {
      provide: JwtService,
      inject: [AUTH_OPTIONS],
      // A KeyObject is prepared once; a string would be prepared again for every token, at four times the cost.
      useFactory: ({ secret, clockToleranceSeconds }: AuthOptions) =>
        new JwtService({
          secret: createSecretKey(secret, 'utf8'),
          verifyOptions: { algorithms: ['HS256'], clockTolerance: clockToleranceSeconds },
        }),
    },
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
