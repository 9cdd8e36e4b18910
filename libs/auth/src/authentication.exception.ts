import { HttpException } from '@nestjs/common';

/** Why a request is not authenticated: a label of bounded variety for metrics. */
export type AuthenticationFailure =
  'missing_header' | 'invalid_format' | 'invalid_token' | 'expired' | 'invalid_audience' | 'revoked';

/** Messages for the client. An expired token has the message of any other invalid token. */
const MESSAGES: Readonly<Record<AuthenticationFailure, string>> = {
  missing_header: 'Authorization header required',
  invalid_format: 'Invalid authorization header format',
  invalid_token: 'Invalid token',
  expired: 'Invalid token',
  invalid_audience: 'Invalid token audience',
  revoked: 'Token revoked',
};

/** 401: the route requires a valid access token, and the request has none. Expected, so it has no stack trace. */
export class AuthenticationException extends HttpException {
  /** The constant that names it in logs and metrics. Nest 11 has no such field. */
  override readonly errorCode = 'UNAUTHENTICATED';
  /** RFC 9110, section 11.6.1, with the error codes of RFC 6750, section 3. */
  readonly headers: readonly string[];

  constructor(
    readonly failure: AuthenticationFailure,
    cause?: unknown,
  ) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super({ error: MESSAGES[failure] }, 401, { cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.headers = [
      'WWW-Authenticate',
      failure === 'missing_header' ? 'Bearer' : 'Bearer error="invalid_token"',
    ];
  }

  /** Nest's own would derive the message from the name of the class, with a regular expression. */
  override initMessage(): void {
    this.message = (this.getResponse() as { readonly error: string }).error;
  }
}
