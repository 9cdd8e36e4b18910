import { faultsOf } from '../../../../test/support/configuration-faults.js';
import { JWT_SECRET } from '../../../../test/support/jwt-secret.js';
import { loadSettings } from './load-settings.js';
import type { Variables } from './variables.js';

describe('loadSettings', () => {
  it('needs only a secret, and listens to this machine only', () => {
    expect(loadSettings({ JWT_SECRET })).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      trust: { kind: 'none' },
      logLevel: 'info',
      auth: { audience: undefined, issuer: undefined, claims: { userId: 'sub', tokenId: 'jti' } },
      server: { headerLimitBytes: 16_384, headerTimeoutMs: 15_000, keepAliveMs: 75_000 },
      proxy: {
        requestTimeoutMs: 45_000,
        responseHeadersTimeoutMs: 30_000,
        streamIdleTimeoutMs: 50_000,
        bodyLimitBytes: 26_214_400,
        minimumRate: { bytesPerSecond: 240, graceMs: 5_000 },
        connections: { connectTimeoutMs: 2_000 },
      },
      overload: { eventLoopMs: 500, memoryPercent: 90, inFlight: 10_000 },
      drain: { shutdownDelayMs: 5_000, timeoutMs: 30_000 },
      redis: { url: 'redis://127.0.0.1', password: undefined },
      rateLimit: { isOn: true, replicas: 1 },
    });
  });

  it.each<[Record<string, string>, string, string | undefined]>([
    [{}, 'redis://127.0.0.1', undefined],
    [{ REDIS_HOST: 'cache:6380', REDIS_PASSWORD: 'pw' }, 'redis://cache:6380', 'pw'],
    [{ REDIS_HOST: '::1' }, 'redis://[::1]', undefined],
    [{ REDIS_HOST: '2001:db8::7', REDIS_PASSWORD: 'pw' }, 'redis://[2001:db8::7]', 'pw'],
    [{ REDIS_HOST: '[::1]' }, 'redis://[::1]', undefined],
    [{ REDIS_HOST: '[::1]:6380' }, 'redis://[::1]:6380', undefined],
    [{ REDIS_URL: 'rediss://u:p@cache:6380/2' }, 'rediss://u:p@cache:6380/2', undefined],
  ])('finds Redis by %j', (variables, url, password) => {
    expect(loadSettings({ JWT_SECRET, ...variables }).redis).toMatchObject({ url, password });
  });

  it.each(['192.0.2.1', '192.0.2.1:53', '::1', '[::1]', '[::1]:5353'])(
    'accepts %s as a DNS server',
    (server) => {
      expect(loadSettings({ JWT_SECRET, DNS_SERVERS: server }).proxy.dns.servers).toEqual([server]);
    },
  );

  it.each(['dns.example', '192.0.2.1:0', '192.0.2.1:65536', '[192.0.2.1]', '[::1', '192.0.2.1:'])(
    'refuses %s as a DNS server',
    (server) => {
      expect(faultsOf({ JWT_SECRET, DNS_SERVERS: server })).toContain('DNS_SERVERS');
    },
  );

  it.each([
    'https://app.example.com',
    'http://localhost:9090',
    'http://[::1]:8080',
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://.',
    'app://-',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    'moz-extension://5fd1b2c0-0a0b-4c7d-8e9f-a0b1c2d3e4f5',
    'safari-web-extension://5FD1B2C0-0A0B-4C7D-8E9F-A0B1C2D3E4F5',
    'my.app+x://host.name:81',
    'https://*.example.com',
    'http://*.localhost:3000',
  ])('accepts %s as an origin', (origin) => {
    const { cors } = loadSettings({ JWT_SECRET, CORS_ALLOWED_ORIGINS: `${origin}, https://other.example` });

    expect([...cors.allowedOrigins].slice(0, 2)).toEqual([origin, 'https://other.example']);
  });

  it('allows origins of the code beside those of the variable', () => {
    const settings = {
      cors: { additionalOrigins: ['http://localhost:3000'] },
      environments: { production: { cors: { additionalOrigins: [] } } },
    };
    const originsIn = (variables: Variables): string[] => {
      const all = { JWT_SECRET, CORS_ALLOWED_ORIGINS: 'https://a.example', ...variables };
      return [...loadSettings(all, { settings }).cors.allowedOrigins];
    };

    expect(originsIn({})).toEqual(['https://a.example', 'http://localhost:3000']);
    expect(originsIn({ ENV: 'production' })).toEqual(['https://a.example']);
  });

  it('reads limits by their name', () => {
    const { rateLimit } = loadSettings({ JWT_SECRET, RATELIMIT_AUTH_LOGIN: '7', GATEWAY_REPLICAS: '2' });

    expect([...rateLimit.perMinute]).toEqual([['AUTH_LOGIN', 7]]);
    expect(rateLimit.replicas).toBe(2);
  });

  it('prefers variables to code, and code for the environment to other code', () => {
    const settings = {
      port: 1,
      host: '0.0.0.0',
      proxy: { retries: { maxRetries: 1 }, addresses: { 'a-service': ['http://a'], b: ['http://b'] } },
      environments: { production: { port: 2, proxy: { addresses: { a: ['http://a.production'] } } } },
    };
    const load = (variables: Variables) => loadSettings({ JWT_SECRET, ...variables }, { settings });

    expect(load({})).toMatchObject({ port: 1, host: '0.0.0.0', proxy: { retries: { maxRetries: 1 } } });
    expect([...load({}).proxy.addresses]).toEqual([
      ['a', ['http://a']],
      ['b', ['http://b']],
    ]);
    const production = load({ ENV: 'production', HOST: '127.0.0.2', B_SERVICE_URL: 'http://b.variable' });
    expect(production).toMatchObject({ port: 2, host: '127.0.0.2', proxy: { retries: { maxRetries: 1 } } });
    expect(production.proxy.addresses.get('a')).toEqual(['http://a.production']);
    expect(production.proxy.addresses.get('b')).toEqual(['http://b.variable']);
    expect(load({ ENV: 'toString' }).port).toBe(1);
  });

  it('lets a variable replace a setting of code that it excludes', () => {
    const load = (variables: Variables) =>
      loadSettings({ JWT_SECRET, ...variables }, { settings: { redis: { host: 'redis' } } }).redis;

    expect(load({})).toMatchObject({ url: 'redis://redis' });
    expect(load({ REDIS_URL: 'redis://other' })).toMatchObject({ url: 'redis://other' });
    expect(load({ REDIS_PASSWORD: 'pw' })).toMatchObject({ url: 'redis://redis', password: 'pw' });
  });

  it('sends no password of the code to the Redis of a variable', () => {
    const settings = { redis: { host: 'redis', password: 'of the code' } };
    const { redis } = loadSettings({ JWT_SECRET, REDIS_URL: 'redis://other' }, { settings });

    expect(redis).toMatchObject({ url: 'redis://other', password: undefined });
  });

  it('is frozen deeply', () => {
    const config = loadSettings({ JWT_SECRET });

    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.proxy.connections, { maxConnections: 1 })).toThrow(TypeError);
  });

  it('reads addresses by the name of the service, several for each', () => {
    const { proxy } = loadSettings({
      JWT_SECRET,
      AUTH_SERVICE_URL: 'http://a:8080, https://b',
      BILLING_PLUS_SERVICE_URL: 'http://[::1]:9000/',
      CHAT_SERVICE_URL: '',
    });

    expect([...proxy.addresses]).toEqual([
      ['auth', ['http://a:8080', 'https://b']],
      ['billing-plus', ['http://[::1]:9000/']],
    ]);
  });

  it('treats an empty variable as not set', () => {
    expect(loadSettings({ JWT_SECRET, PORT: '', TRUST_PROXY: ' ' })).toMatchObject({
      port: 8080,
      trust: { kind: 'none' },
    });
  });

  it.each<[string, object]>([
    ['none', { kind: 'none' }],
    ['2', { kind: 'hops', hops: 2 }],
    ['10.0.0.0/8, ::1', { kind: 'cidrs', cidrs: ['10.0.0.0/8', '::1'] }],
  ])('trusts the proxies of %s', (TRUST_PROXY, trust) => {
    expect(loadSettings({ JWT_SECRET, TRUST_PROXY }).trust).toEqual(trust);
  });

  it.each<[string, Variables, string]>([
    ['no secret', { JWT_SECRET: undefined }, 'JWT_SECRET is not set'],
    ['a short secret', { JWT_SECRET: 'x'.repeat(31) }, 'JWT_SECRET has 31 characters'],
    ['a port that is too large', { PORT: '65536' }, 'PORT is "65536"'],
    ['half a port', { PORT: '80.5' }, 'PORT is "80.5"'],
    ['an infinite timeout', { CONNECT_TIMEOUT_MS: 'Infinity' }, 'CONNECT_TIMEOUT_MS is "Infinity"'],
    ['a timeout of 0', { CONNECT_TIMEOUT_MS: '0' }, 'CONNECT_TIMEOUT_MS is "0"'],
    ['a percentage above 100', { MAX_MEMORY_PERCENT: '101' }, 'MAX_MEMORY_PERCENT is "101"'],
    ['an unknown level', { LOG_LEVEL: 'loud' }, 'LOG_LEVEL is "loud"'],
    ['a proxy as a URL', { TRUST_PROXY: 'http://nginx' }, 'TRUST_PROXY is "http://nginx"'],
    ['trust without a bound', { TRUST_PROXY: 'true' }, 'TRUST_PROXY is "true"'],
    ...['0', '100', '10/8', '12.3', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/x', ','].map(
      (TRUST_PROXY): [string, Variables, string] => [
        `trust in ${TRUST_PROXY}`,
        { TRUST_PROXY },
        'TRUST_PROXY is',
      ],
    ),
    ['a range of 33 bits', { TRUST_PROXY: '10.0.0.0/33' }, 'TRUST_PROXY is "10.0.0.0/33"'],
    ['an origin with a path', { CORS_ALLOWED_ORIGINS: 'https://a.example/x' }, 'CORS_ALLOWED_ORIGINS is'],
    ['any origin', { CORS_ALLOWED_ORIGINS: '*' }, 'CORS_ALLOWED_ORIGINS is "*"'],
    ['no origin', { CORS_ALLOWED_ORIGINS: 'null' }, 'CORS_ALLOWED_ORIGINS is'],
    ['all files as an origin', { CORS_ALLOWED_ORIGINS: 'file://' }, 'CORS_ALLOWED_ORIGINS is'],
    ['a file as an origin', { CORS_ALLOWED_ORIGINS: 'file://a' }, 'CORS_ALLOWED_ORIGINS is'],
    ['an application with a path', { CORS_ALLOWED_ORIGINS: 'app://a/b' }, 'CORS_ALLOWED_ORIGINS is'],
    ['an application without a host', { CORS_ALLOWED_ORIGINS: 'ionic://' }, 'CORS_ALLOWED_ORIGINS is'],
    ['an application with a wildcard', { CORS_ALLOWED_ORIGINS: 'tauri://*' }, 'CORS_ALLOWED_ORIGINS is'],
    ['a registry as a domain', { CORS_ALLOWED_ORIGINS: 'https://*.com' }, 'CORS_ALLOWED_ORIGINS is'],
    ['a part of a label', { CORS_ALLOWED_ORIGINS: 'https://a*.example.com' }, 'https://*.example.com'],
    ['a second label', { CORS_ALLOWED_ORIGINS: 'https://a.*.example.com' }, 'https://*.example.com'],
    ['two labels', { CORS_ALLOWED_ORIGINS: 'https://*.*.example.com' }, 'https://*.example.com'],
    ['any scheme', { CORS_ALLOWED_ORIGINS: '*://a.example.com' }, 'https://*.example.com'],
    ['any port', { CORS_ALLOWED_ORIGINS: 'https://a.example.com:*' }, 'https://*.example.com'],
    ['any host', { CORS_ALLOWED_ORIGINS: 'https://*' }, 'https://*.example.com'],
    ['part of an address', { CORS_ALLOWED_ORIGINS: 'https://*.0.0.1' }, 'https://*.example.com'],
    ['the default port', { CORS_ALLOWED_ORIGINS: 'https://*.example.com:443' }, 'CORS_ALLOWED_ORIGINS is'],
    ['an application with a user', { CORS_ALLOWED_ORIGINS: 'app://a@b' }, 'CORS_ALLOWED_ORIGINS is'],
    ['any header', { CORS_ALLOWED_HEADERS: '*' }, 'CORS_ALLOWED_HEADERS is "*"'],
    ['an invalid header name', { CORS_EXPOSED_HEADERS: 'X-A, X B' }, 'CORS_EXPOSED_HEADERS is'],
    ['any method', { CORS_ALLOWED_METHODS: '*' }, 'CORS_ALLOWED_METHODS is "*"'],
    ['a method in small letters', { CORS_ALLOWED_METHODS: 'get' }, 'CORS_ALLOWED_METHODS is'],
    ['a method that no browser sends', { CORS_ALLOWED_METHODS: 'GET,TRACE' }, 'CORS_ALLOWED_METHODS is'],
    ['an empty list of methods', { CORS_ALLOWED_METHODS: ',' }, 'CORS_ALLOWED_METHODS is'],
    ['an age of two days', { CORS_MAX_AGE_SECONDS: '172800' }, 'CORS_MAX_AGE_SECONDS is'],
    ['a service without a scheme', { AUTH_SERVICE_URL: 'auth:8080' }, 'AUTH_SERVICE_URL is "auth:8080"'],
    ['a service with a path', { AUTH_SERVICE_URL: 'http://a/v1' }, 'AUTH_SERVICE_URL is "http://a/v1"'],
    ['a service with a password', { AUTH_SERVICE_URL: 'http://u:p@a' }, 'AUTH_SERVICE_URL'],
    ['an empty list of services', { AUTH_SERVICE_URL: ',' }, 'AUTH_SERVICE_URL is ","'],
    ['a name without a port', { AUTH_SERVICE_URL: 'dns://auth' }, 'AUTH_SERVICE_URL is "dns://auth"'],
    ['a name with port 0', { AUTH_SERVICE_URL: 'dns://auth:0' }, 'AUTH_SERVICE_URL is "dns://auth:0"'],
    ['another URL for Redis', { REDIS_URL: 'http://cache' }, 'REDIS_URL has 12 characters'],
    ['a host of Redis that is a URL', { REDIS_HOST: 'redis://cache' }, 'REDIS_HOST is "redis://cache"'],
    [
      'two addresses of Redis',
      { REDIS_URL: 'redis://a', REDIS_HOST: 'b' },
      'REDIS_URL and REDIS_HOST are both set; set only one of them',
    ],
    ['a former name', { DRAIN_NOTICE_MS: '1' }, 'DRAIN_NOTICE_MS is now called SHUTDOWN_DELAY_MS'],
    ['a limit of 0', { RATELIMIT_DEFAULT: '0' }, 'RATELIMIT_DEFAULT is "0"'],
    [
      'timeouts that race',
      { RESPONSE_HEADERS_TIMEOUT_MS: '45000' },
      'RESPONSE_HEADERS_TIMEOUT_MS (45000) must be less than REQUEST_TIMEOUT_MS (45000)',
    ],
  ])('refuses %s', (_name, variables, fault) => {
    expect(faultsOf(variables)).toContain(fault);
  });

  it('reports all faults at once, and no secret', () => {
    const message = faultsOf({
      JWT_SECRET: 'hush',
      PORT: 'x',
      AUTH_SERVICE_URL: 'x',
      CONNECT_TIMEOUT_MS: '30000',
    });

    expect(message.split('\n')).toHaveLength(5);
    expect(message).not.toContain('hush');
  });

  it('does not repeat the password in an address', () => {
    expect(faultsOf({ AUTH_SERVICE_URL: 'http://user:hush@a' })).not.toContain('hush');
  });
});
