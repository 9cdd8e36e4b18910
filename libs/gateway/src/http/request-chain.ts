import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NestMiddleware } from '@nestjs/common';

export type Middleware = NestMiddleware<IncomingMessage, ServerResponse>;

/** Passes a request on. If called with an error, the responder writes the response instead. */
export type Next = (error?: unknown) => void;

/**
 * Joins middlewares to one function, which runs them in this order before Express and Nest see a request. As
 * middlewares of Express, each would cost a layer of its router, a wrapper and a few promises, together as much as all
 * their work.
 *
 * @returns a function that calls `goOn` when all middlewares have passed the request on, or with the error of one
 */
export function chainOf(
  middlewares: readonly Middleware[],
): (request: IncomingMessage, response: ServerResponse, goOn: Next) => void {
  return (request, response, goOn) => {
    let index = 0;
    const next = (failure?: unknown): void => {
      if (failure !== undefined || index === middlewares.length) {
        goOn(failure);
        return;
      }
      try {
        const pending = middlewares[index++]!.use(request, response, next) as void | Promise<void>;
        if (pending) pending.catch(goOn);
      } catch (thrown) {
        goOn(thrown);
      }
    };
    next();
  };
}
