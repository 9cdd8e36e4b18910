import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { chainOf, type Middleware, type Next } from './request-chain.js';

const request = new IncomingMessage(new Socket());
const response = new ServerResponse(request);

const pass: Middleware = { use: (_request, _response, next) => next() };

describe('a chain of middlewares', () => {
  /** What `next` was called with, once for each call. */
  let calls: unknown[];
  const next: Next = (error) => calls.push(error);

  beforeEach(() => (calls = []));

  it('runs them in order, each with the request and the response, and goes on once', () => {
    const order: number[] = [];
    const middlewares = [1, 2, 3].map((number) => ({
      use: (given: IncomingMessage, answer: ServerResponse, advance: Next) => {
        expect([given, answer]).toEqual([request, response]);
        order.push(number);
        advance();
      },
    }));

    chainOf(middlewares)(request, response, next);

    expect(order).toEqual([1, 2, 3]);
    expect(calls).toEqual([undefined]);
  });

  it('ends with one that answers', () => {
    const answering: Middleware = { use: () => {} };
    const unreached: Middleware = { use: () => expect(true).toBe(false) };

    chainOf([pass, answering, unreached])(request, response, next);

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
    ['says so', { use: (_request, _response, advance) => advance(failure) }],
    [
      'throws later',
      {
        async use() {
          await Promise.resolve();
          throw failure;
        },
      },
    ],
  ])('goes on once with the error of one that %s', async (_how, failing) => {
    const unreached: Middleware = { use: () => expect(true).toBe(false) };

    chainOf([pass, failing, unreached])(request, response, next);
    await new Promise(setImmediate);

    expect(calls).toEqual([failure]);
  });

  it('goes on with the error of one behind another that waited', async () => {
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
