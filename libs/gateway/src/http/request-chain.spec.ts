import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { chainOf, type Middleware, type Next } from './request-chain.js';

const request = new IncomingMessage(new Socket());
const response = new ServerResponse(request);

const pass: Middleware = { use: (_request, _response, next) => next() };

describe('a chain of middlewares', () => {
  /** The argument of each call of `next`. */
  let calls: unknown[];
  const next: Next = (error) => calls.push(error);

  beforeEach(() => (calls = []));

  it('runs them in order, each with the request and the response, and goes on once', () => {
    const order: number[] = [];
    const middlewares = [1, 2, 3].map((number) => ({
      use: (givenRequest: IncomingMessage, givenResponse: ServerResponse, advance: Next) => {
        expect([givenRequest, givenResponse]).toEqual([request, response]);
        order.push(number);
        advance();
      },
    }));

    chainOf(middlewares)(request, response, next);

    expect(order).toEqual([1, 2, 3]);
    expect(calls).toEqual([undefined]);
  });

  it('ends with a middleware that responds', () => {
    const responding: Middleware = { use: () => {} };
    const unreached: Middleware = { use: () => expect(true).toBe(false) };

    chainOf([pass, responding, unreached])(request, response, next);

    expect(calls).toEqual([]);
  });

  const failure = new Error('refused');
  it.each<[string, Middleware]>([
    [
      'throws',
      {
        use: () => {
          throw failure;
        },
      },
    ],
    ['rejects', { use: () => Promise.reject(failure) }],
    ['calls next with an error', { use: (_request, _response, advance) => advance(failure) }],
    [
      'throws later',
      {
        async use() {
          await Promise.resolve();
          throw failure;
        },
      },
    ],
  ])('goes on once with the error of a middleware that %s', async (_how, failing) => {
    const unreached: Middleware = { use: () => expect(true).toBe(false) };

    chainOf([pass, failing, unreached])(request, response, next);
    await new Promise(setImmediate);

    expect(calls).toEqual([failure]);
  });

  it('goes on with the error of a middleware after one that waited', async () => {
    const waiting: Middleware = {
      async use(_request: IncomingMessage, _response: ServerResponse, advance: Next) {
        await Promise.resolve();
        advance();
      },
    };
    const failing: Middleware = {
      use: () => {
        throw failure;
      },
    };

    chainOf([waiting, failing])(request, response, next);
    await new Promise(setImmediate);

    expect(calls).toEqual([failure]);
  });
});
