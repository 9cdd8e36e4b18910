import { Upstream, type CorsOptions } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';
import { startGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';

const LOCAL = [
  'http://localhost:3000',
  'http://localhost:8080',
  'http://127.0.0.1:3000',
  'http://127.0.0.1:8080',
];

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
    instances: [address],
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
    const headers = { 'Access-Control-Request-Method': 'PUT', Origin: LOCAL[0]! };
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
