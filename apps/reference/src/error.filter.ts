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

/** The status, code and message of an error, for the client. */
export interface Failure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Writes the response to an error: `{"success":false,"error":{code,message}}`. */
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
    // A partial response must not look complete.
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

/** The body parser marks errors that clients may see by `expose`. */
function isBodyParserError(error: unknown): error is { statusCode: number; message: string } {
  return error instanceof Error && 'expose' in error && error.expose === true && 'statusCode' in error;
}

function codeOf(status: number): string {
  return HttpStatus[status] ?? 'ERROR';
}
