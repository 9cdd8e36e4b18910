import { Upstream, type CorsOptions } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';
import { bearer, startGateway } from './support/gateway.js';
import { exchangeRaw } from './support/raw-client.js';
import { startService } from './support/service.js';

const LOCAL = [
  'http://localhost:3000',
  'http://localhost:8080',
  'http://127.0.0.1:3000',
  'http://127.0.0.1:8080',
];

const FOREIGN = [
  'https://evil.example',
  'http://localhost:3001',
  'https://localhost:3000',
  'http://localhost:3000.evil.example',
  'http://LOCALHOST:3000',
  'http://localhost:3000/',
  'http://sub.app.example.com',
  'https://app.example.com:444',
  'null',
];

const EXTRA = 'https://app.example.com, https://admin.example.com:8443';

const PREFLIGHT = {
  'Access-Control-Request-Method': 'POST',
  'Access-Control-Request-Headers': 'authorization,content-type',
};

/** Header lines of a raw answer that speak of CORS, sorted. */
function corsLinesOf(text: string): string[] {
  const head = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
  return head.filter((line) => /^(access-control-|vary:)/i.test(line)).toSorted();
}

describe('an allowed origin', () => {
  it.each([...LOCAL, 'https://app.example.com', 'https://admin.example.com:8443'])(
    '%s is answered with its own name and credentials',
    async (origin) => {
      await using service = await startService((_request, response) => response.end('served'));
      await using gateway = await startGateway({
        env: { AUTH_SERVICE_URL: service.url, CORS_ALLOWED_ORIGINS: EXTRA },
      });

      const response = await fetch(`${gateway.url}/v1/auth/profile`, {
        headers: { ...bearer(), Origin: origin },
      });

      expect(response.status).toBe(200);
      expect(response.headers.get('access-control-allow-origin')).toBe(origin);
      expect(response.headers.get('access-control-allow-credentials')).toBe('true');
      expect(response.headers.get('vary')).toBe('Origin');
    },
  );

  it.each(['/health', '/metrics', '/swagger', '/v1/nothing'])(
    'gets the headers from the gateway itself too: %s',
    async (path) => {
      await using gateway = await startGateway();

      const response = await fetch(gateway.url + path, { headers: { Origin: LOCAL[0]! } });

      expect(response.headers.get('access-control-allow-origin')).toBe(LOCAL[0]);
      expect(response.headers.get('vary')).toBe('Origin');
    },
  );

  it('can read why it was refused', async () => {
    await using gateway = await startGateway();

    const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: { Origin: LOCAL[0]! } });

    expect(response.status).toBe(401);
    expect(response.headers.get('access-control-allow-origin')).toBe(LOCAL[0]);
    expect(response.headers.get('access-control-expose-headers')).toContain('X-Request-ID');
  });

  it("sees one set of CORS headers, the gateway's, whatever the service sends", async () => {
    await using service = await startService((_request, response) => {
      response.writeHead(200, [
        ['Access-Control-Allow-Origin', '*'],
        ['access-control-allow-origin', 'https://evil.example'],
        ['Access-Control-Allow-Credentials', 'false'],
        ['ACCESS-CONTROL-ALLOW-METHODS', 'BREW'],
        ['Access-Control-Allow-Headers', '*'],
        ['Access-Control-Expose-Headers', 'X-Secret'],
        ['Access-Control-Max-Age', '1'],
        ['Access-Control-Allow-Private-Network', 'true'],
        ['Vary', 'Accept-Encoding'],
      ]);
      response.end('served');
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { text } = await exchangeRaw(
      gateway.port,
      `GET /v1/auth/profile HTTP/1.1\r\nHost: a\r\nOrigin: ${LOCAL[0]}\r\nAuthorization: ${bearer().Authorization}\r\nConnection: close\r\n\r\n`,
    );

    expect(corsLinesOf(text)).toEqual([
      'Access-Control-Allow-Credentials: true',
      `Access-Control-Allow-Origin: ${LOCAL[0]}`,
      'Access-Control-Expose-Headers: X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Gateway-Error',
      'Vary: Accept-Encoding',
      'Vary: Origin',
    ]);
  });
});

describe('another origin', () => {
  it.each(FOREIGN)('%s gets 403 that says so, and the service hears nothing', async (origin) => {
    await using service = await startService((_request, response) => response.end('served'));
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, CORS_ALLOWED_ORIGINS: EXTRA },
    });

    const { statuses, text, json } = await exchangeRaw(
      gateway.port,
      `POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nOrigin: ${origin}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );

    expect(statuses).toEqual([403]);
    expect(json).toEqual({ error: 'Origin not allowed', request_id: expect.any(String) });
    expect(corsLinesOf(text)).toEqual(['Vary: Origin']);
    await gateway.logged({ message: 'request', status: 403, error_code: 'ORIGIN_FORBIDDEN' });
    expect(service.accepted()).toBe(0);
  });

  it.each(['/health', '/v1/nothing', '/v1/auth/profile'])('is refused on %s too', async (path) => {
    await using gateway = await startGateway();

    const response = await fetch(gateway.url + path, { headers: { Origin: 'https://evil.example' } });

    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: 'Origin not allowed' });
  });

  it('is refused in a preflight, without the headers that allow', async () => {
    await using gateway = await startGateway();

    const response = await fetch(`${gateway.url}/v1/auth/login`, {
      method: 'OPTIONS',
      headers: { ...PREFLIGHT, Origin: 'https://evil.example' },
    });

    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: 'Origin not allowed' });
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it('is refused where two Origin headers stand, of which one is allowed', async () => {
    await using service = await startService((_request, response) => response.end('served'));
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    for (const origins of [
      [LOCAL[0], 'https://evil.example'],
      ['https://evil.example', LOCAL[0]],
    ]) {
      const { statuses } = await exchangeRaw(
        gateway.port,
        `POST /v1/auth/login HTTP/1.1\r\nHost: a\r\n${origins.map((origin) => `Origin: ${origin}\r\n`).join('')}Content-Length: 0\r\nConnection: close\r\n\r\n`,
      );

      expect(statuses).toEqual([403]);
    }
    expect(service.accepted()).toBe(0);
  });
});

describe('a request without Origin', () => {
  it('passes, with Vary alone', async () => {
    await using service = await startService((_request, response) => response.end('served'));
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { statuses, text } = await exchangeRaw(
      gateway.port,
      'POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    );

    expect(statuses).toEqual([200]);
    expect(corsLinesOf(text)).toEqual(['Vary: Origin']);
  });
});

describe('a preflight', () => {
  it('is 204 with the exact headers, asks for no token and never reaches the service', async () => {
    await using service = await startService((_request, response) => response.end('served'));
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { statuses, text } = await exchangeRaw(
      gateway.port,
      `OPTIONS /v1/auth/profile HTTP/1.1\r\nHost: a\r\nOrigin: ${LOCAL[1]}\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\nConnection: close\r\n\r\n`,
    );

    expect(statuses).toEqual([204]);
    expect(text).toMatch(/\r\n\r\n$/);
    expect(text).not.toMatch(/^(content-length|transfer-encoding):/im);
    expect(corsLinesOf(text)).toEqual(
      [
        'Access-Control-Allow-Credentials: true',
        'Access-Control-Allow-Headers: Content-Type, Authorization, Idempotency-Key, X-Request-ID, traceparent, tracestate',
        'Access-Control-Allow-Methods: GET, POST, PUT, PATCH, DELETE, OPTIONS',
        `Access-Control-Allow-Origin: ${LOCAL[1]}`,
        'Access-Control-Expose-Headers: X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Gateway-Error',
        'Access-Control-Max-Age: 86400',
        'Vary: Origin',
      ].toSorted(),
    );
    await gateway.logged({ message: 'request', status: 204, method: 'OPTIONS', path: '/v1/auth/profile' });
    expect(service.accepted()).toBe(0);
  });
});

describe('in production', () => {
  it.each(LOCAL)('%s is another origin', async (origin) => {
    await using gateway = await startGateway({ env: { ENV: 'production', HOST: '127.0.0.1' } });

    const response = await fetch(`${gateway.url}/health`, { headers: { Origin: origin } });

    expect(response.status).toBe(403);
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it('is allowed what is configured', async () => {
    await using gateway = await startGateway({
      env: { ENV: 'production', HOST: '127.0.0.1', CORS_ALLOWED_ORIGINS: 'http://localhost:9090' },
    });

    const response = await fetch(`${gateway.url}/health`, { headers: { Origin: 'http://localhost:9090' } });

    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:9090');
  });
});

describe('an application that is no web site', () => {
  it.each([
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://.',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  ])('is an origin that can be allowed: %s', async (origin) => {
    await using gateway = await startGateway({ env: { CORS_ALLOWED_ORIGINS: origin } });

    const response = await fetch(`${gateway.url}/health`, { headers: { Origin: origin } });

    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
  });
});

/** A module with one upstream that has CORS options of its own. */
function moduleWith(cors: CorsOptions): Type {
  const address = 'http://127.0.0.1:9';
  @Upstream({
    name: 'files-service',
    instances: { compose: [address], local: [address] },
    routes: [{ methods: ['PUT'], path: '/v1/files/:id', auth: 'none' }],
    cors,
  })
  class FilesUpstream {}
  @Module({ providers: [FilesUpstream] })
  class FilesModule {}
  return FilesModule;
}

const SETTINGS = {
  CORS_ALLOWED_HEADERS: 'Content-Type, X-Tenant',
  CORS_EXPOSED_HEADERS: 'X-Request-ID,ETag',
  CORS_ALLOWED_METHODS: 'GET,PUT',
  CORS_MAX_AGE_SECONDS: '600',
};

describe('allowed and exposed headers, methods and age', () => {
  const preflightOf = async (url: string): Promise<Record<string, string>> => {
    const headers = { ...PREFLIGHT, 'Access-Control-Request-Method': 'PUT', Origin: LOCAL[0]! };
    const response = await fetch(url, { method: 'OPTIONS', headers });
    expect(response.status).toBe(204);
    return Object.fromEntries(response.headers);
  };

  it('are settings', async () => {
    await using gateway = await startGateway({ env: SETTINGS });

    const response = await fetch(`${gateway.url}/health`, { headers: { Origin: LOCAL[0]! } });

    expect(await preflightOf(`${gateway.url}/v1/users/me`)).toMatchObject({
      'access-control-allow-headers': 'Content-Type, X-Tenant',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-max-age': '600',
    });
    expect(response.headers.get('access-control-expose-headers')).toBe('X-Request-ID, ETag');
  });

  it('are those of an upstream on its own paths, as far as it names them', async () => {
    const module = moduleWith({
      exposedHeaders: ['Location'],
      allowedHeaders: ['Upload-Offset'],
      maxAgeSeconds: 0,
    });
    await using service = await startService((_request, response) => response.end('served'));
    await using gateway = await startGateway({
      modules: [module],
      env: { ...SETTINGS, FILES_SERVICE_URL: service.url, AUTH_SERVICE_URL: service.url },
    });
    const exposedBy = async (method: string, path: string): Promise<string | null> => {
      const response = await fetch(gateway.url + path, { method, headers: { Origin: LOCAL[0]! } });
      expect(response.status).toBe(200);
      return response.headers.get('access-control-expose-headers');
    };

    expect(await preflightOf(`${gateway.url}/v1/files/7`)).toMatchObject({
      'access-control-allow-headers': 'Upload-Offset',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-max-age': '0',
    });
    expect(await preflightOf(`${gateway.url}/v1/auth/login`)).toMatchObject({
      'access-control-allow-headers': 'Content-Type, X-Tenant',
    });
    expect(await exposedBy('PUT', '/v1/files/7')).toBe('Location');
    expect(await exposedBy('POST', '/v1/auth/login')).toBe('X-Request-ID, ETag');
  });

  it.each<[CorsOptions, string]>([
    [{ allowedHeaders: ['*'] }, 'files-service has a header "*" in its cors'],
    [{ exposedHeaders: ['two words'] }, 'files-service has a header "two words" in its cors'],
    [{ allowedMethods: ['put'] }, 'files-service has a method "put" in its cors'],
    [{ maxAgeSeconds: -1 }, 'files-service has maxAgeSeconds of -1 in its cors'],
  ])('of an upstream stop the boot if CORS cannot say them: %j', async (cors, message) => {
    await expect(startGateway({ modules: [moduleWith(cors)] })).rejects.toThrow(message);
  });
});
