import { toErrorResponse, type ErrorResponder, type ErrorResponse } from '@app/gateway';
import type { HttpException } from '@nestjs/common';
import { errorResponderKit } from './error-responder.kit.js';
import { failures } from './failures.testing.js';

class Responder implements ErrorResponder {
  constructor(private readonly change: (response: ErrorResponse, exception: unknown) => unknown) {}

  toErrorResponse(exception: unknown, requestId: string): ErrorResponse {
    return this.change(toErrorResponse(exception, requestId), exception) as ErrorResponse;
  }
}

const MAKES = [
  'makes a response to each exception',
  'makes a response to any thrown value',
  'makes a response without a request id',
];
const KEEPS = 'keeps the headers that an exception demands';
let made = 0;

const RESPONDERS: readonly (readonly [
  string,
  (response: ErrorResponse, exception: unknown) => unknown,
  string[],
])[] = [
  ['makes a status of no error', (response) => ({ ...response, status: 99 }), MAKES],
  [
    'writes a length',
    (response) => ({ ...response, headers: [...response.headers, 'Content-Length', '1'] }),
    MAKES,
  ],
  ['drops the headers', (response) => ({ ...response, headers: [] }), [KEEPS]],
  [
    'shows the error',
    (response, exception) => ({
      ...response,
      body: String((exception as Partial<Error> | undefined)?.message),
    }),
    ['says nothing of an unexpected error'],
  ],
  [
    'counts',
    (response) => ({ ...response, body: String(made++) }),
    ['makes the same response to the same exception'],
  ],
  [
    'knows exceptions alone',
    (response, exception) => ({ ...response, body: (exception as HttpException).getResponse.name }),
    ['makes a response to any thrown value', 'says nothing of an unexpected error', KEEPS],
  ],
  ['returns a promise', (response) => Promise.resolve(response), errorResponderKit.map(({ name }) => name)],
];

describe('the kit of error responders', () => {
  it.each(RESPONDERS)('finds one that %s', async (_name, change, expected) => {
    expect(await failures(errorResponderKit, () => new Responder(change))).toEqual(expected);
  });
});
