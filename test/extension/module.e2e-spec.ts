import { Upstream, type Exchange, type Gate, type RouteOptions, type UpstreamOptions } from '@app/proxy';
import { Controller, ForbiddenException, Injectable, Module, Post, type Type } from '@nestjs/common';
import { BillingModule, Ledger } from '../support/billing.module.js';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';

/** The gateway with the team's module, in front of the team's service. */
function startWithBilling(url: string): Promise<RunningGateway> {
  return startGateway({ modules: [BillingModule], env: { BILLING_SERVICE_URL: url } });
}

/** A module with one upstream, as a team that makes a mistake would write it. */
function moduleOf(
  name: string,
  routes: readonly RouteOptions[],
  address = 'http://127.0.0.1:9',
  options: Partial<UpstreamOptions> = {},
): Type {
  @Upstream({ name, instances: [address], routes, ...options })
  class FaultyUpstream {}
  @Module({ providers: [FaultyUpstream] })
  class FaultyModule {}
  return FaultyModule;
}

describe("a team's module", () => {
  it('has public and protected routes, and a gate of its own after those of the gateway', async () => {
    await using service = await startService((request, response) =>
      response.end(`${request.method} ${request.url}`),
    );
    await using gateway = await startWithBilling(service.url);
    const tenant = { 'X-Tenant': 'acme' };

    const plans = await fetch(`${gateway.url}/v1/plans?all`, { headers: tenant });
    const stranger = await fetch(`${gateway.url}/v1/invoices/7`, { headers: tenant });
    const invoice = await fetch(`${gateway.url}/v1/invoices/7`, {
      method: 'DELETE',
      headers: { ...tenant, ...bearer() },
    });
    const homeless = await fetch(`${gateway.url}/v1/plans`);

    expect(await plans.text()).toBe('GET /v1/plans?all');
    expect(stranger.status).toBe(401);
    expect(await invoice.text()).toBe('DELETE /v1/invoices/7');
    expect(homeless.status).toBe(403);
    expect(await homeless.json()).toMatchObject({ error: 'Tenant required', request_id: expect.any(String) });
  });

  it('guards a controller by the rules of the protected routes', async () => {
    await using gateway = await startWithBilling('http://127.0.0.1:9');

    const refused = await fetch(`${gateway.url}/v1/billing/whoami`);
    const answer = await fetch(`${gateway.url}/v1/billing/whoami`, { headers: bearer({ user_id: 'ada' }) });

    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ error: 'Authorization header required' });
    expect(await answer.json()).toEqual({ userId: 'ada' });
  });

  it('may have other methods of the paths of the gateway', async () => {
    @Controller('swagger')
    class DocumentController {
      @Post()
      write(): string {
        return 'written';
      }
    }
    @Module({ controllers: [DocumentController] })
    class DocumentModule {}
    await using gateway = await startGateway({ modules: [DocumentModule] });

    const written = await fetch(`${gateway.url}/swagger`, { method: 'POST' });
    const refused = await fetch(`${gateway.url}/swagger`, { method: 'PUT' });

    expect([written.status, await written.text()]).toEqual([201, 'written']);
    expect([refused.status, refused.headers.get('Allow')?.split(', ').toSorted()]).toEqual([
      405,
      ['GET', 'HEAD', 'POST'],
    ]);
  });

  it('takes part in readiness and in the OpenAPI document', async () => {
    await using service = await startService((_request, response) => response.end());
    await using gateway = await startWithBilling(service.url);

    const ready = await fetch(`${gateway.url}/health/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      details: { ledger: { status: 'up' }, 'billing-service': { status: 'up' } },
    });
    gateway.app.get(Ledger, { strict: false }).isOpen = false;
    const unready = await fetch(`${gateway.url}/health/ready`);
    expect(unready.status).toBe(503);
    expect(await unready.json()).toMatchObject({ status: 'error', details: { ledger: { status: 'down' } } });

    const document = await (await fetch(`${gateway.url}/swagger`)).json();
    expect(document).toMatchObject({
      paths: { '/v1/invoices/{id}': { get: { security: [{ bearer: [] }] } } },
    });
  });
});

describe('a gate that reads a parameter of the path', () => {
  @Injectable()
  class RoomGate implements Gate {
    check(exchange: Exchange): void {
      if (exchange.parameter('room') !== 'caf\u00e9' || exchange.parameter('door') !== undefined) {
        throw new ForbiddenException(`No entry to ${exchange.parameter('room')}`);
      }
    }
  }
  @Upstream({
    name: 'rooms-service',
    instances: ['http://127.0.0.1:9'],
    gates: [RoomGate],
    routes: [{ methods: ['GET'], path: '/v1/rooms/:room', auth: 'none' }],
  })
  class RoomsUpstream {}
  @Module({ providers: [RoomsUpstream, RoomGate] })
  class RoomsModule {}

  it.each([
    ['caf%C3%A9', 200, undefined],
    ['tea', 403, 'No entry to tea'],
    ['%FF', 400, 'Invalid path'],
  ])('gets it decoded: %s is %d', async (room, status, error) => {
    await using service = await startService((request, response) => response.end(request.url));
    await using gateway = await startGateway({
      modules: [RoomsModule],
      env: { ROOMS_SERVICE_URL: service.url },
    });

    const response = await fetch(`${gateway.url}/v1/rooms/${room}`);

    expect(response.status).toBe(status);
    if (error !== undefined) expect(await response.json()).toMatchObject({ error });
    else expect(await response.text()).toBe('/v1/rooms/caf%C3%A9');
  });
});

describe('an upstream that accepts headers which services trust', () => {
  const ROUTES: readonly RouteOptions[] = [{ methods: ['POST'], path: '/v1/legacy', auth: 'none' }];
  const module = moduleOf('legacy-service', ROUTES, undefined, {
    acceptedHeaders: ['X-HTTP-Method-Override'],
  });

  it('gets them, and no other upstream does', async () => {
    await using service = await startService((request, response) =>
      response.end(JSON.stringify(request.headers)),
    );
    await using gateway = await startGateway({
      modules: [module],
      env: { LEGACY_SERVICE_URL: service.url, AUTH_SERVICE_URL: service.url },
    });
    const ask = async (path: string): Promise<unknown> => {
      const headers = { 'X-HTTP-Method-Override': 'PUT', 'X-HTTP-Method': 'PUT', 'X-User-Id': '1' };
      return (await fetch(gateway.url + path, { method: 'POST', headers })).json();
    };

    const accepted = await ask('/v1/legacy');
    const other = await ask('/v1/auth/login');

    expect(accepted).toHaveProperty('x-http-method-override', 'PUT');
    for (const name of ['x-http-method', 'x-user-id']) expect(accepted).not.toHaveProperty(name);
    expect(other).not.toHaveProperty('x-http-method-override');
  });
});

describe('the boot stops', () => {
  it.each([
    [
      'at a route that repeats one of another upstream',
      moduleOf('other-service', [{ methods: ['GET', 'POST'], path: '/v1/auth/login' }]),
      /\/v1\/auth\/login \(.*-service\) repeats .*\/v1\/auth\/login \(.*-service\) for POST/,
    ],
    [
      'at a route that contradicts one of another upstream',
      moduleOf('other-service', [{ methods: ['POST'], path: '/v1/conversations/:room' }]),
      /\/v1\/conversations\/:(room|id) .* contradicts .*\/v1\/conversations\/:(room|id) /,
    ],
    [
      'at the path of a controller of the gateway',
      moduleOf('other-service', [{ methods: ['GET'], path: '/health' }]),
      /GET \/health \(other-service\) has the path of GET \/health \(a controller\)/,
    ],
    [
      'at the path of a controller with another method',
      moduleOf('other-service', [{ methods: ['POST'], path: '/metrics' }]),
      /POST \/metrics \(other-service\) has the path of GET \/metrics \(a controller\)/,
    ],
    [
      'at a route without a method',
      moduleOf('other-service', [{ methods: [], path: '/x' }]),
      /names no method/,
    ],
    [
      'at two upstreams of one name',
      moduleOf('auth', []),
      /Two upstreams have one name: auth and auth-service/,
    ],
    [
      'at a name that is no name',
      moduleOf('Other Service', []),
      /lower case letters, digits and single dashes: Other Service/,
    ],
    ['at a name with an empty part', moduleOf('billing--eu', []), /single dashes: billing--eu/],
    [
      'at an address that is more than an address',
      moduleOf('other-service', [], 'http://127.0.0.1:9/path'),
      /not scheme:\/\/host:port: http:\/\/127.0.0.1:9\/path/,
    ],
    [
      'at a header that frames messages',
      moduleOf('other-service', [], undefined, { acceptedHeaders: ['X-User-Id', 'Transfer_Encoding'] }),
      /other-service cannot accept Transfer_Encoding, which frames the message/,
    ],
    [
      'at a header of one connection',
      moduleOf('other-service', [], undefined, { acceptedHeaders: ['Connection'] }),
      /other-service cannot accept Connection, which belongs to one connection/,
    ],
  ])('%s', async (_name, module, message) => {
    await expect(startGateway({ modules: [module] })).rejects.toThrow(message);
  });
});
