import { once } from 'node:events';
import { startGateway, type LogLine } from '../support/gateway.js';
import { exchangeRaw, RawClient, type RawExchange } from '../support/raw-client.js';
import { startService } from '../support/service.js';

const LOGIN = 'POST /v1/auth/login HTTP/1.1\r\n';
const HEADERS = 'Host: gateway\r\nContent-Length: 0\r\n';

interface Refused {
  readonly bytes: string;
  readonly status: number;
  readonly error: string;
  readonly logged: LogLine;
}

const grammar = (error: string, bytes: string): Refused => ({
  bytes,
  status: 400,
  error,
  logged: { message: 'request', status: 400, error_code: 'INVALID_REQUEST', error },
});

const unknownMethod = (code: string, bytes: string): Refused =>
  parser(code, bytes, 501, 'Method not implemented');

const parser = (code: string, bytes: string, status = 400, error = 'Malformed request'): Refused => ({
  bytes,
  status,
  error,
  logged: { message: 'malformed request', status, code, client_ip: '127.0.0.1' },
});

const REFUSED: Readonly<Record<string, Refused>> = {
  'HTTP/0.9': grammar('Unsupported protocol version', `POST /v1/auth/login HTTP/0.9\r\n${HEADERS}\r\n`),
  'a request line without a version': grammar('Unsupported protocol version', 'GET /v1/auth/profile\r\n\r\n'),
  'HTTP/2.0 in clear': grammar(
    'Unsupported protocol version',
    `POST /v1/auth/login HTTP/2.0\r\n${HEADERS}\r\n`,
  ),
  'a target that is no URL': grammar(
    'Request target has an invalid authority',
    `POST http://[x HTTP/1.1\r\n${HEADERS}Connection: close\r\n\r\n`,
  ),
  'HTTP/2 preface': parser('HPE_PAUSED_H2_UPGRADE', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  'HTTP/1.2': parser('HPE_INVALID_VERSION', `POST /v1/auth/login HTTP/1.2\r\n${HEADERS}\r\n`),
  RTSP: grammar('Unsupported protocol', `GET /v1/auth/profile RTSP/1.1\r\n${HEADERS}\r\n`),
  'RTSP behind empty lines': grammar(
    'Unsupported protocol',
    `\r\n\r\nGET /v1/auth/profile RTSP/1.1\r\n${HEADERS}\r\n`,
  ),
  'a request line without a version that ends with bare LF': grammar(
    'Unsupported protocol version',
    `POST /v1/auth/login\n${HEADERS}\r\n`,
  ),
  'a missing Host': grammar('Host header required', `${LOGIN}Content-Length: 0\r\n\r\n`),
  'an empty Host': grammar('Invalid Host header', `${LOGIN}Host: \r\nContent-Length: 0\r\n\r\n`),
  'a duplicate Host': grammar('Duplicate Host header', `${LOGIN}${HEADERS}hOST: gateway\r\n\r\n`),
  'a Host with a path': grammar('Invalid Host header', `${LOGIN}Host: a/b\r\nContent-Length: 0\r\n\r\n`),
  'a Host with a user': grammar('Invalid Host header', `${LOGIN}Host: a@b\r\nContent-Length: 0\r\n\r\n`),
  'a duplicate Authorization': grammar(
    'Duplicate Authorization header',
    `${LOGIN}${HEADERS}Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n`,
  ),
  'a TLS hello': parser('HPE_INVALID_METHOD', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'),
  'an unknown method': unknownMethod('HPE_INVALID_METHOD', `BREW /v1/auth/login HTTP/1.1\r\n${HEADERS}\r\n`),
  'a method that begins as GET does': unknownMethod(
    'HPE_INVALID_METHOD',
    `GETS /v1/auth/profile HTTP/1.1\r\n${HEADERS}\r\n`,
  ),
  'an unknown method in absolute-form': unknownMethod(
    'HPE_INVALID_METHOD',
    `BREW http://gateway/v1/auth/login HTTP/1.0\r\n${HEADERS}\r\n`,
  ),
  'an unknown method behind empty lines': unknownMethod(
    'HPE_INVALID_METHOD',
    `\r\n\r\nBREW * HTTP/1.1\r\n${HEADERS}\r\n`,
  ),
  'an unknown method with a long target': unknownMethod(
    'HPE_INVALID_METHOD',
    `BREW /${'a'.repeat(20_000)} HTTP/1.1\r\n${HEADERS}\r\n`,
  ),
  'a method of RTSP': unknownMethod(
    'HPE_INVALID_CONSTANT',
    `DESCRIBE /v1/auth/login HTTP/1.1\r\n${HEADERS}\r\n`,
  ),
  'the method of the HTTP/2 preface': parser(
    'HPE_INVALID_VERSION',
    `PRI /v1/auth/login HTTP/1.1\r\n${HEADERS}\r\n`,
  ),
  'an unknown method of HTTP/0.9': parser('HPE_INVALID_METHOD', 'BREW /v1/auth/login\r\n\r\n'),
  'an unknown method of HTTP/3': parser('HPE_INVALID_METHOD', `BREW /a HTTP/3.0\r\n${HEADERS}\r\n`),
  'an unknown method with a blank before it': parser(
    'HPE_INVALID_METHOD',
    ` BREW /v1/auth/login HTTP/1.1\r\n${HEADERS}\r\n`,
  ),
  'garbage before a request line': parser(
    'HPE_INVALID_METHOD',
    `\x00BREW /v1/auth/login HTTP/1.1\r\n${HEADERS}\r\n`,
  ),
  'a banner of SSH': parser('HPE_INVALID_METHOD', 'SSH-2.0-OpenSSH_9.6\r\n'),
  'a greeting of SMTP': parser('HPE_INVALID_METHOD', 'EHLO gateway\r\n'),
  'a response': parser('HPE_INVALID_METHOD', 'HTTP/1.1 200 OK\r\n\r\n'),
  'a command of Redis': parser('HPE_INVALID_METHOD', '*1\r\n$4\r\nPING\r\n'),
  'the header of the PROXY protocol': parser('HPE_INVALID_METHOD', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'),
  CONNECT: unknownMethod('UNSUPPORTED_METHOD', 'CONNECT gateway:443 HTTP/1.1\r\nHost: gateway:443\r\n\r\n'),
  'a method in lower case': unknownMethod(
    'HPE_INVALID_METHOD',
    `post /v1/auth/login HTTP/1.1\r\n${HEADERS}\r\n`,
  ),
  'a blank in a header name': parser('HPE_INVALID_HEADER_TOKEN', `${LOGIN}${HEADERS}X Y: 1\r\n\r\n`),
  'bare LF at the line ends': parser('HPE_INVALID_VERSION', `${LOGIN}${HEADERS}\r\n`.replaceAll('\r', '')),
  'a bare CR in the headers': parser('HPE_LF_EXPECTED', `${LOGIN}Host: a\rX: b\r\n\r\n`),
  'NUL in a header value': parser('HPE_INVALID_HEADER_TOKEN', `${LOGIN}${HEADERS}X-Y: \0\r\n\r\n`),
  'headers past MAX_HEADER_BYTES': parser(
    'HPE_HEADER_OVERFLOW',
    `${LOGIN}${HEADERS}X-Long: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
    'Request headers too large',
  ),
  'more header fields than Node keeps': parser(
    'HPE_HEADER_OVERFLOW',
    `${LOGIN}${'a:\r\n'.repeat(1_001)}${HEADERS}\r\n`,
    431,
    'Request headers too large',
  ),
  'headers that never end': parser(
    'ERR_HTTP_REQUEST_TIMEOUT',
    `${LOGIN}Host: gateway\r\n`,
    408,
    'Request headers too slow',
  ),
};

function expectOneAnswer(exchange: RawExchange, { status, error }: Refused): void {
  expect(exchange.statuses).toEqual([status]);
  expect(exchange.text.match(/"error"/g)).toHaveLength(1);
  expect(exchange.text).toMatch(/^Connection: close\r$/m);
  expect(exchange.text).toMatch(/^Content-Type: application\/json; charset=utf-8\r$/m);
  expect(exchange.json).toMatchObject({ error });
  if (status === 501) expect(exchange.text).toMatch(/^X-Gateway-Error: METHOD_NOT_IMPLEMENTED\r$/m);
  expect(exchange.reset).toBe(false);
}

describe('bytes that are not the HTTP that the gateway speaks', () => {
  it.each(Object.keys(REFUSED))('%s gets one JSON error, a log line and the end', async (name) => {
    const refused = REFUSED[name]!;
    await using service = await startService((_request, response) => response.end());
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, CLIENT_HEADER_TIMEOUT_MS: '300' },
    });

    const exchange = await exchangeRaw(gateway.port, refused.bytes);

    expectOneAnswer(exchange, refused);
    await gateway.logged(refused.logged);
    expect(service.accepted()).toBe(0);
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  it('do not take the place of the answer to the good request before them', async () => {
    await using service = await startService((_request, response) => {
      response.once('go on', () => response.end('first'));
      service.server.once('go on', () => response.emit('go on'));
      service.server.emit('asked');
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    const asked = once(service.server, 'asked');

    client.write(`${LOGIN}${HEADERS}\r\n\x16\x03\x01\r\n`);
    await asked;
    client.write('more of it\r\n\r\n');
    service.server.emit('go on');
    const { text, statuses, reset } = await client.ended();

    expect(statuses).toEqual([200, 400]);
    expect(text).toMatch(/first\r\n0\r\n\r\nHTTP\/1\.1 400 |\r\n\r\nfirstHTTP\/1\.1 400 /);
    expect(reset).toBe(false);
    expect(gateway.logs.filter(({ message }) => message === 'malformed request')).toHaveLength(1);
  });

  it('end an upload that they are part of with one 400', async () => {
    await using service = await startService((request) => void request.resume());
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const exchange = await exchangeRaw(
      gateway.port,
      `${LOGIN}Host: gateway\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n`,
    );

    expect(exchange.statuses).toEqual([400]);
    expect(exchange.json).toEqual({ error: 'Malformed request' });
    await gateway.logged({ message: 'malformed request', code: 'HPE_INVALID_CHUNK_SIZE' });
  });

  it('name a method of RTSP in a later request: 501', async () => {
    await using service = await startService((_request, response) => response.end('first'));
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(`${LOGIN}${HEADERS}\r\n`);
    await client.until(/first/);
    client.write(`PLAY /v1/auth/login RTSP/1.0\r\n${HEADERS}\r\n`);
    const { statuses, json } = await client.ended();

    expect(statuses).toEqual([200, 501]);
    expect(json).toMatchObject({ error: 'Method not implemented', request_id: expect.any(String) });
  });
});

describe('a method that HTTP does not have', () => {
  it.each(['BREW /v1/auth/login HTTP/1.1\r\n', 'CONNECT gateway:443 HTTP/1.1\r\n'])(
    '%j gets its 501 behind the responses to the requests before it',
    async (line) => {
      await using service = await startService((request, response) => {
        request.resume().once('end', () => response.end(`served ${String(request.headers['x-number'])}`));
      });
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
      const numbered = (number: number): string =>
        `${LOGIN}Host: gateway\r\nX-Number: ${number}\r\nContent-Length: 5\r\n\r\nhello`;

      const { text, statuses, json } = await exchangeRaw(
        gateway.port,
        `${numbered(1)}${numbered(2)}${numbered(3)}${line}Host: gateway\r\n\r\n`,
      );

      expect(statuses).toEqual([200, 200, 200, 501]);
      expect(text.match(/served \d/g)).toEqual(['served 1', 'served 2', 'served 3']);
      expect(json).toEqual({ error: 'Method not implemented' });
    },
  );

  it('gets 501 when its request line comes in parts', async () => {
    await using gateway = await startGateway();
    for (const part of [
      'BREW /v1/au',
      'BREW /v1/auth/login ',
      'BREW /v1/auth/login HTTP/1',
      'BREW / HTTP/1.1\r',
    ]) {
      await using client = await RawClient.connect(gateway.port);
      client.write(part);

      expect((await client.ended()).statuses).toEqual([501]);
    }
  });

  it('is refused as CONNECT, for each form of target', async () => {
    await using service = await startService((_request, response) => response.end());
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    for (const target of [
      'gateway:443',
      '/v1/auth/login',
      'http://gateway/v1/auth/login',
      '*',
      '127.0.0.1:22',
    ]) {
      const { statuses, json } = await exchangeRaw(
        gateway.port,
        `CONNECT ${target} HTTP/1.1\r\nHost: gateway\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n`,
      );

      expect([target, statuses, json]).toEqual([target, [501], { error: 'Method not implemented' }]);
    }
    expect(service.accepted()).toBe(0);
  });
});
