import { Upstream } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRecordingService, valuesOf } from '../support/recording-service.js';
import { startService } from '../support/service.js';
import { openSocket, startSocketService } from '../support/websocket.js';

const NOWHERE = 'http://127.0.0.1:9';
const SOCKET = '/v1/ws/other';

function moduleOf(host?: string, origin?: string): Type {
  @Upstream({
    name: 'other-service',
    instances: [NOWHERE],
    routes: [
      { methods: ['GET'], path: '/v1/other', auth: 'none' },
      { methods: ['GET'], path: SOCKET, websocket: {}, ...(origin !== undefined && { origin }) },
    ],
    ...(host !== undefined && { host }),
  })
  class OtherUpstream {}
  @Module({ providers: [OtherUpstream] })
  class OtherModule {}
  return OtherModule;
}

const startFor = (
  url: string,
  module: Type,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningGateway> => startGateway({ modules: [module], env: { OTHER_SERVICE_URL: url, ...env } });

describe('the Host of an upstream', () => {
  it.each([
    [undefined, 'api.example:8080'],
    ['client', 'api.example:8080'],
    ['instance', /^127\.0\.0\.1:\d+$/],
    ['billing.internal:81', 'billing.internal:81'],
  ])('with %s is %s in a request, and X-Forwarded-Host the client\u2019s', async (option, host) => {
    await using service = await startRecordingService();
    await using gateway = await startFor(service.url, moduleOf(option));

    await exchangeRaw(
      gateway.port,
      rawRequest('GET /v1/other', { headers: { Host: 'api.example:8080', Connection: 'close' } }),
    );

    const request = service.requests[0]!;
    expect(valuesOf(request, 'host')).toEqual([expect.stringMatching(host)]);
    if (option === 'instance') expect(service.url).toBe(`http://${valuesOf(request, 'host')[0]}`);
    expect(valuesOf(request, 'x-forwarded-host')).toEqual(['api.example:8080']);
    expect(valuesOf(request, 'x-forwarded-port')).toEqual(['8080']);
  });

  it('is that of the instance of each attempt', async () => {
    const hosts: string[] = [];
    await using breaking = await startService((request) => {
      hosts.push(request.headers.host!);
      request.socket.destroy();
    });
    await using service = await startService((request, response) => {
      hosts.push(request.headers.host!);
      response.end();
    });
    await using gateway = await startFor(`${breaking.url},${service.url}`, moduleOf('instance'), {
      OUTLIER_CONSECUTIVE_FAILURES: '100000',
    });

    while (breaking.accepted() === 0) expect((await fetch(`${gateway.url}/v1/other`)).status).toBe(200);

    expect(hosts.slice(-2)).toEqual([`127.0.0.1:${breaking.port}`, `127.0.0.1:${service.port}`]);
  });

  it.each([
    ['client', undefined],
    ['instance', undefined],
    ['billing.internal', 'billing.internal'],
  ])('with %s is %s in a health check, or else the instance\u2019s', async (option, host) => {
    const checked = Promise.withResolvers<string | undefined>();
    await using service = await startService((request, response) => {
      checked.resolve(request.headers.host);
      response.end();
    });
    await using _gateway = await startFor(service.url, moduleOf(option), {
      HEALTH_CHECK_INTERVAL_MS: '60000',
    });

    expect(await checked.promise).toBe(host ?? `127.0.0.1:${service.port}`);
  });
});

describe('Host and Origin of a handshake', () => {
  const CLIENTS = 'http://localhost:8080';

  it.each([
    [undefined, undefined, undefined, CLIENTS],
    ['client', 'upstream', 'SERVICE', 'SERVICE'],
    ['instance', 'upstream', 'SERVICE', 'SERVICE'],
    ['instance', undefined, undefined, CLIENTS],
    ['billing.internal:81', 'upstream', 'http://billing.internal:81', 'http://billing.internal:81'],
    ['billing.internal', 'https://app.example', 'https://app.example', 'https://app.example'],
  ])(
    'with host %s and origin %s: %s without one of the client, else %s',
    async (host, origin, alone, replaced) => {
      await using service = await startSocketService();
      await using gateway = await startFor(service.url, moduleOf(host, origin));
      const named = (text: string | undefined): string | undefined =>
        text === 'SERVICE' ? service.url : text;

      await using _one = await openSocket(gateway, SOCKET);
      await using _two = await openSocket(gateway, SOCKET, { headers: { ...bearer(), Origin: CLIENTS } });
      const [first, second] = [await service.connection(0), await service.connection(1)];

      expect(first.handshake.headers.origin).toBe(named(alone));
      expect(second.handshake.headers.origin).toBe(named(replaced));
      const expected = { client: `127.0.0.1:${gateway.port}`, instance: `127.0.0.1:${service.port}` };
      expect(first.handshake.headers.host).toBe(expected[(host ?? 'client') as 'client'] ?? host);
      expect(first.handshake.headers['x-forwarded-host']).toBe(`127.0.0.1:${gateway.port}`);
      const names = first.handshake.rawHeaders.filter((_, index) => index % 2 === 0);
      expect(names.filter((name) => /^(?:host|origin)$/i.test(name))).toHaveLength(
        alone === undefined ? 1 : 2,
      );
    },
  );

  it('lets a service accept that compares the two', async () => {
    await using service = await startSocketService(undefined, {
      verifyClient: (info: { readonly origin: string; readonly req: IncomingMessage }) =>
        info.origin === `http://${info.req.headers.host}`,
    });
    await using gateway = await startFor(service.url, moduleOf('instance', 'upstream'));

    await using client = await openSocket(gateway, SOCKET, { headers: { ...bearer(), Origin: CLIENTS } });
    client.socket.close(1000);

    expect((await service.connection(0)).handshake.headers.origin).toBe(service.url);
    await once(client.socket, 'close');
  });
});
