import type { RequestListener } from 'node:http';
import { Upstream, type Exchange, type Gate, type RouteOptions } from '@app/proxy';
import { ForbiddenException, Injectable, Module, type Type } from '@nestjs/common';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { bodyOf, startService } from '../support/service.js';
import { openSocket, startSocketService } from '../support/websocket.js';

const FOREIGN = 'https://foreign.example';
const ALLOWED = 'http://localhost:3000';

@Injectable()
class StrictGate implements Gate {
  check({ principal, route }: Exchange): void {
    if (route?.options.auth !== 'none' && !principal) throw new ForbiddenException('No principal');
    if (route?.options.methods.includes('OPTIONS')) throw new ForbiddenException('No preflight');
  }
}

function moduleWith(...routes: readonly RouteOptions[]): Type {
  const instances = ['http://127.0.0.1:9'];
  @Upstream({ name: 'files-service', instances, routes, gates: [StrictGate] })
  class FilesUpstream {}
  @Module({ providers: [FilesUpstream, StrictGate] })
  class FilesModule {}
  return FilesModule;
}

const start = (url: string, ...routes: readonly RouteOptions[]): Promise<RunningGateway> =>
  startGateway({ modules: [moduleWith(...routes)], env: { FILES_SERVICE_URL: url } });

/** CORS headers and `Vary` of a response. */
function corsOf({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => /^(access-control-|vary)/.test(name)));
}

const preflight = (method = 'PUT', Origin = FOREIGN): RequestInit => ({
  method: 'OPTIONS',
  headers: {
    Origin,
    'Access-Control-Request-Method': method,
    'Access-Control-Request-Headers': 'authorization',
  },
});

describe("a route with cors: 'upstream' whose event streams go on", () => {
  it('takes preflights to its service', async () => {
    await using service = await startService((request, response) => response.end(request.method));
    await using gateway = await start(service.url, {
      methods: ['GET'],
      path: '/events',
      cors: 'upstream',
      eventStream: { resume: true },
    });

    const response = await fetch(`${gateway.url}/events`, preflight('GET'));

    expect(await response.text()).toBe('OPTIONS');
  });
});

describe("a route with cors: 'upstream'", () => {
  const ROUTE: RouteOptions = {
    methods: ['GET', 'PUT'],
    path: '/files/:id',
    rewrite: '/f/:id',
    cors: 'upstream',
  };

  /** Has CORS rules of its own, as an S3 server has. */
  const service: RequestListener = (request, response) => {
    const origin = request.headers.origin ?? '*';
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', 'ETag');
    if (request.method === 'OPTIONS') {
      response.setHeader('Access-Control-Allow-Methods', 'PUT');
      response
        .writeHead(204, { 'X-Target': request.url!, 'X-Token': String(request.headers.authorization) })
        .end();
    } else {
      response.setHeader('Vary', 'Accept-Encoding').end('file');
    }
  };
  const OWN = { 'access-control-allow-origin': FOREIGN, 'access-control-expose-headers': 'ETag' };

  it('takes preflights to the service, without a token and past the gates of the upstream', async () => {
    await using files = await startService(service);
    await using gateway = await start(files.url, ROUTE);

    const response = await fetch(`${gateway.url}/files/7`, preflight());

    expect(response.status).toBe(204);
    expect(corsOf(response)).toEqual({ ...OWN, 'access-control-allow-methods': 'PUT' });
    expect(response.headers.get('x-target')).toBe('/f/7');
    expect(response.headers.get('x-token')).toBe('undefined');
  });

  it('takes preflights to the path of the route, with its headers', async () => {
    await using files = await startService(service);
    await using gateway = await start(files.url, {
      methods: ['GET', 'PUT'],
      path: '/billing/{*path}',
      strip: '/billing',
      cors: 'upstream',
      allowedInPath: ['encodedSlash'],
      responseHeaders: { set: { 'X-Team': 'billing' } },
    });

    const response = await fetch(`${gateway.url}/billing/a%2Fb`, preflight());

    expect(response.status).toBe(204);
    expect(response.headers.get('x-target')).toBe('/a%2Fb');
    expect(response.headers.get('x-team')).toBe('billing');
  });

  it('refuses an OPTIONS that is no preflight', async () => {
    await using files = await startService(service);
    await using gateway = await start(files.url, ROUTE);

    expect((await fetch(`${gateway.url}/files/7`, { method: 'OPTIONS' })).status).toBe(405);
    expect((await fetch(`${gateway.url}/files/%2e`, preflight())).status).not.toBe(204);
    expect(files.accepted()).toBe(0);
  });

  it.each([FOREIGN, ALLOWED, 'null'])(
    "gives a page of %s the service's headers in place of ours",
    async (Origin) => {
      await using files = await startService(service);
      await using gateway = await start(files.url, ROUTE);

      const response = await fetch(`${gateway.url}/files/7`, { headers: { Origin, ...bearer() } });

      expect(await response.text()).toBe('file');
      expect(corsOf(response)).toEqual({
        ...OWN,
        'access-control-allow-origin': Origin,
        vary: 'Accept-Encoding',
      });
    },
  );

  it('still demands a token, which pages of allowed origins can read', async () => {
    await using files = await startService(service);
    await using gateway = await start(files.url, ROUTE);
    const ask = (Origin: string): Promise<Response> =>
      fetch(`${gateway.url}/files/7`, { headers: { Origin } });

    const [foreign, allowed] = [await ask(FOREIGN), await ask(ALLOWED)];

    expect([foreign.status, allowed.status]).toEqual([401, 401]);
    expect(corsOf(foreign)).toEqual({ vary: 'Origin' });
    expect(corsOf(allowed)).toMatchObject({ 'access-control-allow-origin': ALLOWED });
    expect(files.accepted()).toBe(0);
  });

  it('changes no other route of the upstream', async () => {
    await using files = await startService(service);
    await using gateway = await start(files.url, ROUTE, { methods: ['GET'], path: '/other', auth: 'none' });

    expect((await fetch(`${gateway.url}/other`, { headers: { Origin: FOREIGN } })).status).toBe(403);
    expect((await fetch(`${gateway.url}/other`, preflight('GET'))).status).toBe(403);
    const response = await fetch(`${gateway.url}/other`, { headers: { Origin: ALLOWED } });
    expect(corsOf(response)).toMatchObject({ 'access-control-allow-credentials': 'true' });
  });

  it('lets handshakes of every origin pass, and the service decide', async () => {
    const socket: RouteOptions = { methods: ['GET'], path: '/ws', auth: 'none', websocket: {} };
    await using sockets = await startSocketService();
    await using gateway = await start(
      sockets.url,
      { ...socket, cors: 'upstream' },
      { ...socket, path: '/own' },
    );

    await using end = await openSocket(gateway, '/ws', { headers: { Origin: FOREIGN } });
    expect(end.socket.readyState).toBe(1);
    expect((await sockets.connection(0)).handshake.headers.origin).toBe(FOREIGN);
    await expect(openSocket(gateway, '/own', { headers: { Origin: FOREIGN } })).rejects.toThrow(
      'refused with 403',
    );
  });
});

describe("a route with crossOrigin: 'any'", () => {
  const ROUTE: RouteOptions = { methods: ['POST'], path: '/callback', auth: 'none', crossOrigin: 'any' };
  const EXPOSED = expect.stringContaining('X-Request-ID');
  const ANY = {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': EXPOSED,
    vary: 'Origin',
  };

  it.each(['null', FOREIGN, ALLOWED])(
    'takes a form post of the origin %s, without credentials',
    async (Origin) => {
      const bodies: string[] = [];
      await using files = await startService(async (request, response) => {
        const body = await bodyOf(request);
        bodies.push(`${request.headers.origin} ${body}`);
        response.writeHead(303, { Location: '/', 'Access-Control-Allow-Credentials': 'true' }).end();
      });
      await using gateway = await start(files.url, ROUTE);

      const body = new URLSearchParams({ code: 'abc', state: 'xyz' });
      const response = await fetch(`${gateway.url}/callback`, {
        method: 'POST',
        body,
        redirect: 'manual',
        headers: { Origin },
      });

      expect(response.status).toBe(303);
      expect(corsOf(response)).toEqual(ANY);
      expect(bodies).toEqual([`${Origin} code=abc&state=xyz`]);
    },
  );

  it('has a preflight of any origin, which the service does not see', async () => {
    await using files = await startService((_request, response) => response.end());
    await using gateway = await start(files.url, ROUTE);

    const response = await fetch(`${gateway.url}/callback`, preflight('POST'));

    expect(response.status).toBe(204);
    expect(corsOf(response)).toMatchObject({ ...ANY, 'access-control-allow-methods': expect.any(String) });
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
    expect(files.accepted()).toBe(0);
  });

  it('takes handshakes of any origin', async () => {
    await using sockets = await startSocketService();
    const socket: RouteOptions = { methods: ['GET'], path: '/ws', auth: 'none', websocket: {} };
    await using gateway = await start(sockets.url, { ...socket, crossOrigin: 'any' });

    await using end = await openSocket(gateway, '/ws', { headers: { Origin: 'null' } });
    expect(end.socket.readyState).toBe(1);
  });

  it('stops the boot if it asks for a token', async () => {
    await expect(start('http://127.0.0.1:9', { ...ROUTE, auth: 'required' })).rejects.toThrow(
      "POST /callback (files-service) has crossOrigin: 'any', which only a route with auth: 'none' may have",
    );
  });
});

describe('https://*.example.com as an allowed origin', () => {
  it('allows one label, and each page its own name', async () => {
    await using gateway = await startGateway({ env: { CORS_ALLOWED_ORIGINS: 'https://*.example.com' } });
    const ask = (Origin: string): Promise<Response> =>
      fetch(`${gateway.url}/health`, { headers: { Origin } });

    const response = await ask('https://pr-7.example.com');
    expect(response.status).toBe(200);
    expect(corsOf(response)).toMatchObject({
      'access-control-allow-origin': 'https://pr-7.example.com',
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
    });
    const asked = await fetch(`${gateway.url}/v1/auth/login`, preflight('POST', 'https://pr-7.example.com'));
    expect(asked.status).toBe(204);
    for (const origin of ['https://example.com', 'https://a.b.example.com', 'https://a.example.com.evil.com'])
      expect((await ask(origin)).status).toBe(403);
  });
});
