import type { IncomingMessage, ServerResponse } from 'node:http';
import { exchangeOf } from '@app/proxy';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { CorsPolicy } from './cors-policy.js';

/** Gives each exchange its CORS headers before anything can refuse it, so that a page can read why it was refused. */
@Injectable()
export class CorsMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  constructor(private readonly cors: CorsPolicy) {}

  use(request: IncomingMessage, _response: ServerResponse, next: () => void): void {
    this.cors.describe(exchangeOf(request)!);
    next();
  }
}
