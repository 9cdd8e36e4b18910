import { ErrorResponder, toErrorResponse, type ErrorResponse } from '@app/gateway';
import { JsonErrorResponder } from '@app/gateway/internal';
import { errorResponderKit } from '@app/testing';
import { HttpException, Injectable, Module, Scope, type Provider, type Type } from '@nestjs/common';
import { BillingModule } from '../support/billing.module.js';
import { startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawHandshake } from '../support/websocket.js';

/** Errors as RFC 9457 has them. */
class ProblemResponder extends ErrorResponder {
  toErrorResponse(exception: unknown, requestId: string): ErrorResponse {
    const { status, headers } = toErrorResponse(exception, requestId);
    const title = exception instanceof HttpException ? exception.message : 'Internal server error';
    const body = JSON.stringify({ title, status, instance: requestId });
    return { status, headers, body, contentType: 'application/problem+json' };
  }
}

/** A responder that returns the same result each time. */
function responderOf(getResult: () => unknown): Provider {
  return { provide: ErrorResponder, useValue: { toErrorResponse: getResult } };
}

const fail = (error: Error) => (): never => {
  throw error;
};
const form = (changes: object) => (): object => ({ status: 401, body: '', headers: [], ...changes });

/** Responders that break their contract. */
const BROKEN: readonly (readonly [string, () => unknown])[] = [
  ['throws', fail(new TypeError('a fault of the team'))],
  ['throws an exception', fail(new HttpException('a fault of the team', 500))],
  ['returns a promise', () => Promise.resolve(form({})())],
  ['returns a promise that rejects', () => Promise.reject(new Error('a fault of the team'))],
  ['returns a promise that never settles', () => new Promise(() => {})],
  ['returns nothing', () => undefined],
  ['returns a text', () => 'Unauthorized'],
  ['returns a status of no response', form({ status: 99 })],
  ['returns a status without a body', form({ status: 204 })],
  ['returns a status that is a text', form({ status: '401' })],
  ['returns a body that is an object', form({ body: {} })],
  ['returns headers as an object', form({ headers: { Allow: 'GET' } })],
  ['returns a name without a value', form({ headers: ['Allow'] })],
  ['returns a header that Node cannot write', form({ headers: ['X-Reason', 'line\nbreak'] })],
  ['returns a media type that Node cannot write', form({ body: 'x', contentType: 'text\r\nX: y' })],
  ['returns a length of its own', form({ headers: ['content-length', '7'] })],
  ['returns a framing of its own', form({ headers: ['Transfer-Encoding', 'chunked'] })],
];

function moduleWith(provider: Provider): Type {
  @Module({ providers: [provider] })
  class ResponderModule {}
  return ResponderModule;
}

const problems = { provide: ErrorResponder, useClass: ProblemResponder };

describe("the gateway's own error responder", () => {
  it.each(errorResponderKit)('$name', ({ run }) => run(() => new JsonErrorResponder()));
});

describe("a team's error responder", () => {
  it.each(errorResponderKit)('$name', ({ run }) => run(() => new ProblemResponder()));

  it('writes the errors of requests, of controllers and of handshakes', async () => {
    await using gateway = await startGateway({ modules: [BillingModule, moduleWith(problems)] });

    const unknown = await fetch(`${gateway.url}/nowhere`);
    const controller = await fetch(`${gateway.url}/v1/billing/whoami`);
    const upstream = await fetch(`${gateway.url}/v1/plans`, { headers: { 'X-Tenant': 'acme' } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());
    const handshake = await client.ended();

    for (const { headers } of [unknown, controller, upstream])
      expect(headers.get('Content-Type')).toBe('application/problem+json');
    expect(await unknown.json()).toMatchObject({ title: 'Not found', status: 404 });
    expect(await controller.json()).toMatchObject({ title: 'Authorization header required', status: 401 });
    expect(upstream.headers.get('X-Gateway-Error')).toBe('UPSTREAM_UNREACHABLE');
    expect(await upstream.json()).toMatchObject({ title: 'Service unavailable', status: 502 });
    expect(handshake.text).toMatch(/^HTTP\/1\.1 502 /);
    expect(handshake.text).toMatch(/^Content-Type: application\/problem\+json\r$/m);
    await gateway.logged({ status: 502, error_code: 'UPSTREAM_UNREACHABLE' });
  });

  it.each(BROKEN)(
    "that %s gives way to the gateway's own, and one line says so",
    async (_name, getResult) => {
      await using gateway = await startGateway({ modules: [moduleWith(responderOf(getResult))] });

      for (let each = 0; each < 3; each++) {
        const response = await fetch(`${gateway.url}/v1/messages`);

        expect(response.status).toBe(401);
        expect(await response.json()).toMatchObject({ error: 'Authorization header required' });
      }
      expect(await gateway.logged({ message: 'request' })).toMatchObject({ status: 401 });
      expect(gateway.logs.filter(({ message }) => message === 'error responder failed')).toEqual([
        expect.objectContaining({ level: 'error', failures: 1 }),
      ]);
    },
  );
});

describe('the boot stops at', () => {
  @Injectable({ scope: Scope.REQUEST })
  class ScopedResponder extends ProblemResponder {}

  it.each([
    [
      'error responders of two modules',
      [moduleWith(problems), moduleWith(problems)],
      /Two modules provide ErrorResponder: ResponderModule and ResponderModule/,
    ],
    [
      'an error responder without its method',
      [moduleWith({ provide: ErrorResponder, useValue: {} })],
      /ErrorResponder of ResponderModule has no method toErrorResponse/,
    ],
    [
      'an error responder that is nothing',
      [moduleWith({ provide: ErrorResponder, useFactory: () => undefined })],
      /ErrorResponder of ResponderModule has no method toErrorResponse/,
    ],
    [
      'an error responder of each request',
      [moduleWith({ provide: ErrorResponder, useClass: ScopedResponder })],
      /ErrorResponder of ResponderModule has another scope than the default one/,
    ],
  ])('%s', async (_name, modules, message) => {
    await expect(startGateway({ modules })).rejects.toThrow(message);
  });
});
