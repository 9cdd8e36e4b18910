import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NestMiddleware } from '@nestjs/common';

export type Middleware = NestMiddleware<IncomingMessage, ServerResponse>;

/** Passes a request on. With an error, the responder writes the response. */
export type Next = (error?: unknown) => void;

/**
 * Middlewares that run in this order, before Express and Nest see a request: mounted there one by one, each would cost a
 * layer of a router, a wrapper and a few promises, together as much as all that they do.
 *
 * @returns a function that calls `goOn` once they have let a request pass, or with what one of them has thrown
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
