import { HttpException } from '@nestjs/common';

/** Why a request is not authenticated: a label of bounded variety for metrics. */
export type AuthenticationFailure =
  'missing_header' | 'invalid_format' | 'invalid_token' | 'expired' | 'invalid_audience' | 'revoked';

/** What the client reads; an expired token is no different from any other invalid one. */
const MESSAGES: Readonly<Record<AuthenticationFailure, string>> = {
  missing_header: 'Authorization header required',
  invalid_format: 'Invalid authorization header format',
  invalid_token: 'Invalid token',
  expired: 'Invalid token',
  invalid_audience: 'Invalid token audience',
  revoked: 'Token revoked',
};

/** A request without a valid access token where one is demanded: 401. Expected, it has no stack trace. */
export class AuthenticationException extends HttpException {
  /** RFC 9110, section 11.6.1, with the error codes of RFC 6750, section 3. */
  readonly headers: readonly string[];

  constructor(
    readonly failure: AuthenticationFailure,
    cause?: unknown,
  ) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super({ error: MESSAGES[failure] }, 401, { cause, errorCode: 'UNAUTHENTICATED' });
    Error.stackTraceLimit = stackTraceLimit;
    this.headers = [
      'WWW-Authenticate',
      failure === 'missing_header' ? 'Bearer' : 'Bearer error="invalid_token"',
    ];
  }

  /** Nest would take the name of the class apart with a pattern. */
  override initMessage(): void {
    this.message = (this.getResponse() as { readonly error: string }).error;
  }
}
