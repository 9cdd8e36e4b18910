import { ConfigurableModuleBuilder } from '@nestjs/common';

export interface AuthOptions {
  /** The HMAC key of the access tokens, at least 32 characters. */
  readonly secret: string;
  /** The `aud` that a token must have. */
  readonly audience: string;
  /** The `iss` that a token must have. */
  readonly issuer: string;
  /** How many verified tokens are remembered, so that each is verified once; about 1 KB each. */
  readonly cachedTokens: number;
}

export const { ConfigurableModuleClass: ConfigurableAuthModule, MODULE_OPTIONS_TOKEN: AUTH_OPTIONS } =
  new ConfigurableModuleBuilder<AuthOptions>().setClassMethodName('forRoot').build();
