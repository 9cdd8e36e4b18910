import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, type NestMiddleware } from '@nestjs/common';

const THROWN = Symbol('thrown');

interface WithThrown extends IncomingMessage {
  [THROWN]?: unknown;
}

/** Keeps what was thrown before Nest saw a request, for `ThrownMiddleware`. */
export function keepThrown(request: IncomingMessage, error: unknown): void {
  (request as WithThrown)[THROWN] = error;
}

/** Throws once more, where Nest's exception filters can answer, what was thrown before Nest saw the request. */
@Injectable()
export class ThrownMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  use(request: WithThrown, _response: ServerResponse, next: () => void): void {
    if (THROWN in request) throw request[THROWN];
    next();
  }
}
