import { HttpException, Injectable } from '@nestjs/common';
import { ErrorResponder, toErrorResponse, type ErrorResponse } from '@secureconnect/gateway';

/** Errors as RFC 9457 has them. */
@Injectable()
export class ProblemResponder extends ErrorResponder {
  toErrorResponse(exception: unknown, requestId: string): ErrorResponse {
    const { status, headers } = toErrorResponse(exception, requestId);
    const title = exception instanceof HttpException ? exception.message : 'Internal server error';
    const body = JSON.stringify({ title, status, instance: requestId });
    return { status, headers, body, contentType: 'application/problem+json' };
  }
}
