import { bearer, startGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { startService } from '../support/service.js';

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
