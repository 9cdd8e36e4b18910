import {
  Catch,
  HttpException,
  HttpStatus,
  Logger,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import type { Response } from 'express';
import { TooManyRequestsException } from './too-many-requests.exception.js';

/** An error as a client hears of it. */
export interface Failure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** The only place that turns an error into an answer: `{"success":false,"error":{code,message}}`. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  readonly #logger = new Logger();

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    if (response.destroyed) return;
    const { status, code, message } = failureOf(error);
    if (status >= 500) this.#logger.error(error);
    if (error instanceof TooManyRequestsException && !response.headersSent) {
      response.set('Retry-After', String(error.retryAfterSeconds));
    }
    // Half an answer must not look like a whole one.
    if (response.headersSent) response.destroy();
    else response.status(status).json({ success: false, error: { code, message } });
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof HttpException) {
    const status = error.getStatus();
    return { status, code: error.errorCode ?? codeOf(status), message: error.message };
  }
  if (isBodyParserError(error)) {
    return { status: error.statusCode, code: codeOf(error.statusCode), message: error.message };
  }
  return { status: 500, code: codeOf(500), message: 'Internal server error' };
}

/** Of the body parser's errors, those meant for the client say so with `expose`. */
function isBodyParserError(error: unknown): error is { statusCode: number; message: string } {
  return error instanceof Error && 'expose' in error && error.expose === true && 'statusCode' in error;
}

function codeOf(status: number): string {
  return HttpStatus[status] ?? 'ERROR';
}
