import { ERROR_RESPONDER, type ErrorResponse, type Responder } from '@app/gateway';
import { HttpException, Module, type Type } from '@nestjs/common';
import { ErrorResponder } from '@app/gateway/internal';
import { BillingModule } from '../support/billing.module.js';
import { startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawHandshake } from '../support/websocket.js';

/** Errors as RFC 9457 has them. */
class ProblemResponder extends ErrorResponder {
  protected override toErrorResponse(exception: unknown, requestId: string): ErrorResponse {
    const { status, headers } = super.toErrorResponse(exception, requestId);
    const title = exception instanceof HttpException ? exception.message : 'Internal server error';
    const body = JSON.stringify({ title, status, instance: requestId });
    return { status, headers, body, contentType: 'application/problem+json' };
  }
}

class ThrowingResponder implements Responder {
  respond(): void {
    throw new Error('a fault of the team');
  }
}

class RejectingResponder implements Responder {
  async respond(): Promise<void> {
    throw new Error('a fault of the team');
  }
}

class FaultyFormResponder extends ErrorResponder {
  protected override toErrorResponse(): ErrorResponse {
    throw new TypeError('a fault of the team');
  }
}

class ExceptionFormResponder extends ErrorResponder {
  protected override toErrorResponse(): ErrorResponse {
    throw new HttpException('a fault of the team', 500);
  }
}

class UnwritableResponder extends ErrorResponder {
  protected override toErrorResponse(): ErrorResponse {
    return { status: 401, body: '', headers: ['X-Reason', 'line\nbreak'] };
  }
}

function moduleWith(responder: Type<Responder>): Type {
  @Module({ providers: [{ provide: ERROR_RESPONDER, useClass: responder }] })
  class ResponderModule {}
  return ResponderModule;
}

describe("a team's error responder", () => {
  it('writes the errors of requests, of controllers and of handshakes', async () => {
    await using gateway = await startGateway({ modules: [BillingModule, moduleWith(ProblemResponder)] });

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

  it.each([ThrowingResponder, RejectingResponder, FaultyFormResponder, ExceptionFormResponder])(
    "that fails gives way to the gateway's own: %p",
    async (responder) => {
      await using gateway = await startGateway({ modules: [moduleWith(responder)] });

      for (let each = 0; each < 3; each++) {
        const response = await fetch(`${gateway.url}/v1/messages`);

        expect(response.status).toBe(401);
        expect(await response.json()).toMatchObject({ error: 'Authorization header required' });
      }
      expect(gateway.logs).toContainEqual(expect.objectContaining({ level: 'error' }));
      expect(await gateway.logged({ message: 'request' })).toMatchObject({ status: 401 });
    },
  );

  it('whose header cannot be written becomes a 500', async () => {
    await using gateway = await startGateway({ modules: [moduleWith(UnwritableResponder)] });

    const response = await fetch(`${gateway.url}/v1/messages`);

    expect(response.status).toBe(500);
    expect(response.headers.get('X-Gateway-Error')).toBe('INTERNAL_ERROR');
  });
});
