import type { IncomingMessage, ServerResponse } from 'node:http';
import { exchangeOf } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { CorsPolicy } from './cors-policy.js';

/** Adds CORS headers to each exchange before anything can refuse it, so that the page can read the error response. */
@Injectable()
export class CorsMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  constructor(private readonly cors: CorsPolicy) {}

  use(request: IncomingMessage, _response: ServerResponse, next: () => void): void {
    this.cors.describe(exchangeOf(request)!);
    next();
  }
}
