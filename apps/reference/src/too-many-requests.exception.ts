import { HttpException, HttpStatus } from '@nestjs/common';

/** 429 with `Retry-After`: the seconds until the client may try again, rounded up. */
export class TooManyRequestsException extends HttpException {
  readonly retryAfterSeconds: number;

  constructor(message: string, errorCode: string, retryAfterMs: number) {
    super(message, HttpStatus.TOO_MANY_REQUESTS, { errorCode });
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  }
}
