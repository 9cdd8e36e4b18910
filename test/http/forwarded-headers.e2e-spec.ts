import { bearer, startGateway } from '../support/gateway.js';
import { exchangeRaw, type RawExchange } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { rawHandshake } from '../support/websocket.js';
import { startRecordingService, valuesOf, type RecordedRequest } from '../support/recording-service.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Carried {
  readonly request: RecordedRequest;
  readonly exchange: RawExchange;
  readonly line: Record<string, unknown>;
}

/** Sends one request with these header lines and gives what each side and the log saw of it. */
async function carry(
  lines: readonly string[],
  env: Readonly<Record<string, string>> = {},
  answer?: string,
): Promise<Carried> {
  await using service = await startRecordingService(answer);
  await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...env } });
  const head = [
    'GET /v1/auth/profile HTTP/1.1',
    'Host: api.example.com',
    `Authorization: ${bearer().Authorization}`,
  ];
  const hasConnection = lines.some((line) => /^connection:/i.test(line));
  const all = [...head, ...lines, ...(hasConnection ? [] : ['Connection: close'])];
  const exchange = await exchangeRaw(gateway.port, `${all.join('\r\n')}\r\n\r\n`);
  const line = await gateway.logged({ message: 'request' });
  expect(service.requests).toHaveLength(1);
  return { request: service.requests[0]!, exchange, line };
}

/** Header lines of a raw answer, as sent. */
const answeredLines = ({ text }: RawExchange): string[] =>
  text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n').slice(1);

const SPOOFED = [
  'X-Forwarded-For: 203.0.113.7',
  'x-forwarded-for: 203.0.113.8',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Port: 443',
  'X-Forwarded-Prefix: /admin',
  'X_Forwarded_For: 203.0.113.9',
  'X-Real-IP: 203.0.113.7',
  'Forwarded: for=203.0.113.7;proto=https',
];

describe('what a stranger says about itself', () => {
  it('is replaced by what the gateway knows', async () => {
    const { request, line } = await carry(SPOOFED);

    expect(valuesOf(request, 'x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(valuesOf(request, 'x-forwarded-proto')).toEqual(['http']);
    expect(valuesOf(request, 'x-forwarded-host')).toEqual(['api.example.com']);
    expect(valuesOf(request, 'x-forwarded-port')).toEqual(['80']);
    expect(valuesOf(request, 'forwarded')).toEqual([]);
    expect(request.headers.join()).not.toMatch(/203\.0\.113|evil|,443(?:,|$)|admin/);
    expect(line.client_ip).toBe('127.0.0.1');
  });

  it.each(['none', '1', '127.0.0.0/8'])(
    'as X-User-* never reaches the service (TRUST_PROXY=%s)',
    async (trust) => {
      const { request } = await carry(
        [
          'X-User-Id: 1',
          'x-user-role: admin',
          'X_User_Id: 2',
          'X-User_Name: 3',
          'x_USER-email: 4',
          'X-Usernames: ada',
        ],
        { TRUST_PROXY: trust },
      );

      const names = request.headers.map(([name]) => name);
      expect(names.filter((name) => /^x[-_]user[-_]/i.test(name))).toEqual([]);
      expect(valuesOf(request, 'x-usernames')).toEqual(['ada']);
    },
  );
});

/** What services trust, and no client of theirs may say. */
const TRUSTED = [
  'X.User.Id: 1',
  'X-UserId: 1',
  'X-Username: eve',
  'X_Email: eve@evil.example',
  'X-Roles: admin',
  'X-Tenant-ID: 1',
  'X-Is-Admin: true',
  'Remote-User: eve',
  'X-Remote-User: eve',
  'X-Auth-Request-User: eve',
  'X-Forwarded-User: eve',
  'X-WebAuth-User: eve',
  'X-SSL-Client-Verify: SUCCESS',
  'X-Original-URL: /admin',
  'X-Rewrite-URL: /admin',
  'X-HTTP-Method-Override: DELETE',
  'X_HTTP_Method_Override: DELETE',
  'Proxy: http://evil.example',
  'Transfer_Encoding: chunked',
  'Content_Length: 7',
];

const FORWARDING = [
  'X-Client-IP: 203.0.113.7',
  'True-Client-IP: 203.0.113.7',
  'CF-Connecting-IP: 203.0.113.7',
];

/** The names of header lines, in lower case, of which a service got some. */
const namesIn = (lines: readonly string[]): string[] =>
  lines.map((line) => line.slice(0, line.indexOf(':')).toLowerCase());

describe('names that services trust', () => {
  it.each(['none', '1', '127.0.0.0/8'])('never reach the service (TRUST_PROXY=%s)', async (trust) => {
    const { request } = await carry([...TRUSTED, 'X-Kept: 1', 'X-Auth-Token: secret', 'X-Session-ID: 1'], {
      TRUST_PROXY: trust,
    });

    const names = request.headers.map(([name]) => name.toLowerCase());
    expect(namesIn(TRUSTED).filter((name) => names.includes(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['x-kept', 'x-auth-token', 'x-session-id']));
  });

  it.each([
    ['none', []],
    ['1', namesIn(FORWARDING)],
  ])('about the way here are believed of trusted proxies alone (TRUST_PROXY=%s)', async (trust, kept) => {
    const { request } = await carry(FORWARDING, { TRUST_PROXY: trust });

    const names = request.headers.map(([name]) => name.toLowerCase());
    expect(namesIn(FORWARDING).filter((name) => names.includes(name))).toEqual(kept);
  });

  it('do not reach the service in a handshake', async () => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    const forged = Object.fromEntries(
      [...TRUSTED, ...FORWARDING].map((line) => line.split(': ') as [string, string]),
    );

    await exchangeRaw(gateway.port, rawHandshake(undefined, { ...bearer(), ...forged }));

    expect(service.requests).toHaveLength(1);
    const names = service.requests[0]!.headers.map(([name]) => name.toLowerCase());
    expect(namesIn([...TRUSTED, ...FORWARDING]).filter((name) => names.includes(name))).toEqual([]);
  });
});

describe('what a trusted proxy says', () => {
  it.each(['1', '127.0.0.0/8', '127.0.0.1', '10.0.0.0/8,127.0.0.1/32'])(
    'is kept, and its address appended (TRUST_PROXY=%s)',
    async (trust) => {
      const { request, line } = await carry(
        [
          'X-Forwarded-For: 198.51.100.1, 203.0.113.7',
          'X-Forwarded-Proto: https',
          'X-Forwarded-Host: app.example.com:8443',
          'X_Forwarded_Port: 9',
          'X-Real-IP: 203.0.113.7',
          'Forwarded: for=203.0.113.7',
        ],
        { TRUST_PROXY: trust },
      );

      expect(valuesOf(request, 'x-forwarded-for')).toEqual(['198.51.100.1, 203.0.113.7, 127.0.0.1']);
      expect(valuesOf(request, 'x-forwarded-proto')).toEqual(['https']);
      expect(valuesOf(request, 'x-forwarded-host')).toEqual(['app.example.com:8443']);
      expect(valuesOf(request, 'x-forwarded-port')).toEqual(['8443']);
      expect(valuesOf(request, 'x_forwarded_port')).toEqual([]);
      expect(valuesOf(request, 'x-real-ip')).toEqual(['203.0.113.7']);
      expect(valuesOf(request, 'forwarded')).toEqual(['for=203.0.113.7']);
      expect(line.client_ip).toBe('203.0.113.7');
    },
  );

  it('has the port of the protocol, if no host and no header names one', async () => {
    const { request } = await carry(['X-Forwarded-Proto: https'], { TRUST_PROXY: '1' });

    expect(valuesOf(request, 'x-forwarded-port')).toEqual(['443']);
  });

  it('is one list where it comes in two headers', async () => {
    const { request, line } = await carry(['X-Forwarded-For: 198.51.100.1', 'X-Forwarded-For: 203.0.113.7'], {
      TRUST_PROXY: '1',
    });

    expect(valuesOf(request, 'x-forwarded-for')).toEqual(['198.51.100.1, 203.0.113.7, 127.0.0.1']);
    expect(line.client_ip).toBe('203.0.113.7');
  });

  it("does not reach past it: a header with underscores is a stranger's", async () => {
    const { request, line } = await carry(
      ['X-Forwarded-For: 203.0.113.7', 'X_Forwarded_For: 198.51.100.1', 'X_Real_IP: 198.51.100.1'],
      { TRUST_PROXY: '1' },
    );

    expect(request.headers.join()).not.toContain('198.51.100.1');
    expect(line.client_ip).toBe('203.0.113.7');
  });

  it('is nothing where the proxy says nothing', async () => {
    const { request, line } = await carry([], { TRUST_PROXY: '127.0.0.0/8' });

    expect(valuesOf(request, 'x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(valuesOf(request, 'x-forwarded-proto')).toEqual(['http']);
    expect(valuesOf(request, 'x-forwarded-host')).toEqual(['api.example.com']);
    expect(line.client_ip).toBe('127.0.0.1');
  });

  it.each([
    ['1', '203.0.113.7, 198.51.100.1', '198.51.100.1'],
    ['2', '203.0.113.7, 198.51.100.1', '203.0.113.7'],
    ['9', '203.0.113.7, 198.51.100.1', '203.0.113.7'],
    ['127.0.0.0/8', '203.0.113.7, 198.51.100.1, 127.0.0.9', '198.51.100.1'],
    ['127.0.0.0/8,198.51.100.0/24', '203.0.113.7, 198.51.100.1', '203.0.113.7'],
    ['1', 'unknown', '127.0.0.1'],
    ['1', '203.0.113.7:1234', '203.0.113.7'],
    ['1', '[2001:db8::1]:1234', '2001:db8::1'],
    ['10.0.0.0/8', '203.0.113.7', '127.0.0.1'],
  ])('TRUST_PROXY=%s finds in "%s" the client %s', async (trust, chain, client) => {
    const { line } = await carry([`X-Forwarded-For: ${chain}`], { TRUST_PROXY: trust });

    expect(line.client_ip).toBe(client);
  });
});

describe('Forwarded, with FORWARDED_HEADER=on,', () => {
  const own = 'for=127.0.0.1;host=api.example.com;proto=http';

  it.each([
    ['of a stranger is replaced', 'none', ['Forwarded: for=203.0.113.7'], own],
    [
      'of a trusted proxy is appended to',
      '1',
      ['Forwarded: for="[::1]:8"', 'forwarded: by=a'],
      `for="[::1]:8", by=a, ${own}`,
    ],
    ['that does not end is replaced', '1', ['Forwarded: for="a'], own],
    [
      'that a trusted proxy leaves out is made of X-Forwarded-*',
      '1',
      ['X-Forwarded-For: 2001:db8::7', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: app.example.com:8443'],
      `for="[2001:db8::7]";host="app.example.com:8443";proto=https, ${own}`,
    ],
  ])('%s', async (_case, trust, lines, value) => {
    const { request } = await carry(lines, { TRUST_PROXY: trust, FORWARDED_HEADER: 'on' });

    expect(valuesOf(request, 'forwarded')).toEqual([value]);
  });
});

describe('X-Request-ID', () => {
  it.each([
    ['of a trusted proxy is kept', '1', ['X-Request-ID: trace-1.a:B_c'], 'trace-1.a:B_c'],
    ['of a stranger is replaced', 'none', ['X-Request-ID: trace-1'], UUID],
    ['that is missing is made', '1', [], UUID],
    ['that is too long is replaced', '1', [`X-Request-ID: ${'a'.repeat(129)}`], UUID],
    ['with a blank is replaced', '1', ['X-Request-ID: a b'], UUID],
    ['with a quote is replaced', '1', ['X-Request-ID: a"b'], UUID],
    ['that is empty is replaced', '1', ['X-Request-ID: '], UUID],
    ['that comes twice is replaced', '1', ['X-Request-ID: one', 'x-request-id: two'], UUID],
    ['with underscores is not one', '1', ['X_Request_ID: spoofed'], UUID],
  ])('%s, and is the same everywhere, once', async (_case, trust, lines, expected) => {
    const answer = 'HTTP/1.1 200 OK\r\nX-Request-ID: of-the-service\r\nContent-Length: 0\r\n\r\n';
    const { request, exchange, line } = await carry(lines, { TRUST_PROXY: trust }, answer);

    const sent = request.headers.filter(([name]) => /^x[-_]request[-_]id$/i.test(name));
    expect(sent).toHaveLength(1);
    const id = sent[0]![1];
    expect(id).toMatch(expected);
    expect(answeredLines(exchange).filter((each) => /^x-request-id:/i.test(each))).toEqual([
      `X-Request-ID: ${id}`,
    ]);
    expect(line.request_id).toBe(id);
  });
});

describe('headers of one connection', () => {
  it('stay on it on the way to the service', async () => {
    const { request } = await carry([
      'Connection: close, X-Hop, x-other',
      'Connection: X-Third',
      'X-Hop: 1',
      'x-OTHER: 2',
      'X-Third: 3',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic eDp5',
      'TE: trailers',
      'Trailer: X-Sum',
      'Upgrade: h2c',
      'X-Kept: 4',
    ]);

    const names = request.headers.map(([name]) => name.toLowerCase());
    expect(names.toSorted()).toEqual([
      'authorization',
      'connection',
      'host',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-port',
      'x-forwarded-proto',
      'x-kept',
      'x-request-id',
    ]);
    expect(valuesOf(request, 'connection')).toEqual(['keep-alive']);
  });

  it.each([
    'authorization',
    'close, Cookie',
    'Host',
    'keep-alive,content-type',
    'X-Forwarded-For',
    'x_forwarded_for',
    'X-Request-ID',
    'X-Hop, Content-Length',
    'Origin',
    'Idempotency-Key',
  ])('are no headers that the service decides by: Connection: %s is refused', async (nominated) => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { statuses, json } = await exchangeRaw(
      gateway.port,
      rawRequest('POST /v1/auth/logout', {
        headers: { Cookie: 'a=1', 'Content-Type': 'text/plain', Connection: nominated, 'Content-Length': 0 },
      }),
    );

    expect(statuses).toEqual([400]);
    expect(json).toMatchObject({ error: 'Connection header names an end-to-end header' });
    await gateway.logged({ message: 'request', status: 400, error_code: 'INVALID_REQUEST' });
    expect(service.accepted()).toBe(0);
  });

  it('are no headers of a handshake that its service decides by', async () => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { statuses } = await exchangeRaw(
      gateway.port,
      rawHandshake(undefined, { Connection: 'Upgrade, Authorization' }),
    );

    expect(statuses).toEqual([400]);
    expect(service.accepted()).toBe(0);
  });

  it('stay on it on the way to the client', async () => {
    const answer = [
      'HTTP/1.1 200 OK',
      'Connection: keep-alive, X-Hop',
      'X-Hop: 1',
      'Keep-Alive: timeout=60',
      'Proxy-Authenticate: Basic',
      'Proxy-Connection: keep-alive',
      'Upgrade: h2c',
      'X-Kept: 2',
      'Content-Length: 2',
      '',
      'ok',
    ].join('\r\n');

    const { exchange } = await carry([], {}, answer);

    const names = answeredLines(exchange).map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
    expect(names.toSorted()).toEqual([
      'connection',
      'content-length',
      'date',
      'vary',
      'x-kept',
      'x-request-id',
    ]);
    expect(exchange.text).toMatch(/^Connection: close\r$/m);
  });
});

describe('all other headers', () => {
  const LINES = [
    'X-Zebra: 1',
    'accept: text/html',
    'ACCEPT: application/json',
    'Cookie: a=1',
    'X-Twice: one',
    'x-tWICE: two',
    'X-Latin1: caf\xe9 \xff',
    'X-Utf8: caf\xc3\xa9',
    'X-Inner:  two  blanks',
    'cookie: b=2',
    'X_Under_Score: kept',
  ];
  const CARRIED: readonly (readonly [string, string])[] = LINES.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });

  it('reach the service in their order, case, number and bytes', async () => {
    const { request } = await carry(LINES);

    const names = new Set(CARRIED.map(([name]) => name));
    expect(request.headers.filter(([name]) => names.has(name))).toEqual(CARRIED);
  });

  it('reach the client in their order, case, number and bytes', async () => {
    const own = ['Set-Cookie: a=1; Path=/', 'set-cookie: b=2', 'ETag: "x"', 'Server: sv', 'X-Powered-By: it'];
    const answer = `HTTP/1.1 200 Very Fine\r\n${[...LINES, ...own].join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;

    const { exchange } = await carry([], {}, answer);

    expect(exchange.text).toMatch(/^HTTP\/1\.1 200 Very Fine\r\n/);
    const carried = [...CARRIED.map(([name, value]) => `${name}: ${value}`), ...own];
    expect(answeredLines(exchange).slice(0, carried.length)).toEqual(carried);
  });
});

describe('a request of HTTP/1.0 without Host', () => {
  it('has no host that could be passed on', async () => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { statuses } = await exchangeRaw(gateway.port, 'POST /v1/auth/login HTTP/1.0\r\n\r\n');

    expect(statuses).toEqual([200]);
    expect(valuesOf(service.requests[0]!, 'x-forwarded-host')).toEqual([]);
    expect(valuesOf(service.requests[0]!, 'x-forwarded-for')).toEqual(['127.0.0.1']);
  });
});
