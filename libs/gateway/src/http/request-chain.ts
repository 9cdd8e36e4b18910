import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NestMiddleware } from '@nestjs/common';

export type Middleware = NestMiddleware<IncomingMessage, ServerResponse>;

/** Passes a request on. If called with an error, the error responder writes the response instead. */
export type Next = (error?: unknown) => void;

/**
 * Joins middlewares to one function, which runs them in this order before Express and Nest see a request. Registered with
 * Express, they would cost as much again as their own work.
 *
 * @returns a function that calls `finish` when all middlewares have passed the request on, or with the error of one. A middleware
 *   must not fail after it has passed the request on: `finish` would be called twice
 */
export function chainOf(
  middlewares: readonly Middleware[],
): (request: IncomingMessage, response: ServerResponse, finish: Next) => void {
  return (request, response, finish) => {
    let index = 0;
    const next = (failure?: unknown): void => {
      if (failure !== undefined || index === middlewares.length) {
        finish(failure);
        return;
      }
      try {
        const pending = middlewares[index++]!.use(request, response, next) as void | Promise<void>;
        if (pending) pending.catch(finish);
      } catch (thrown) {
        finish(thrown);
      }
    };
    next();
  };
}
