import { Controller, Get, Header, Module } from '@nestjs/common';
import { startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRecordingService } from '../support/recording-service.js';
import { startService } from '../support/service.js';
import { CHAT, rawHandshake } from '../support/websocket.js';

const POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

const PROTECTED = [
  `Content-Security-Policy: ${POLICY}`,
  'Referrer-Policy: no-referrer',
  'X-Content-Type-Options: nosniff',
];

/** The header lines of a raw answer that protect it, sorted. */
function protectionOf(text: string): string[] {
  const head = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
  return head
    .filter((line) => /^(content-security-policy|referrer-policy|x-content-type)/i.test(line))
    .toSorted();
}

const CLOSE = { headers: { Connection: 'close' } };

const OWN: readonly (readonly [string, number, string])[] = [
  ['health', 200, rawRequest('GET /health', CLOSE)],
  ['liveness', 200, rawRequest('GET /health/live', CLOSE)],
  ['readiness', 200, rawRequest('GET /health/ready', CLOSE)],
  ['metrics', 200, rawRequest('GET /metrics', CLOSE)],
  ['the OpenAPI document', 200, rawRequest('GET /swagger', CLOSE)],
  ['an unknown path', 404, rawRequest('GET /nowhere', CLOSE)],
  ['an error without a body', 404, rawRequest('HEAD /nowhere', CLOSE)],
  ['an ambiguous path', 400, rawRequest('GET /v1/../x', CLOSE)],
  ['a service that is away', 502, rawRequest('GET /v1/auth/profile', CLOSE)],
  ['a foreign page', 403, rawRequest('GET /health', { headers: { Origin: 'https://evil.example' } })],
  ['malformed bytes', 400, 'nonsense\r\n\r\n'],
  ['headers that are too large', 431, rawRequest('GET /', { headers: { 'X-Long': 'a'.repeat(17_000) } })],
  ['a handshake of another version', 426, rawHandshake(CHAT, { 'Sec-WebSocket-Version': '8' })],
];

@Controller('v1/page')
class PageController {
  @Get()
  @Header('Content-Type', 'text/html')
  @Header('Content-Security-Policy', "default-src 'self'")
  read(): string {
    return '<!doctype html>';
  }
}

@Module({ controllers: [PageController] })
class PageModule {}

describe('a response of the gateway itself', () => {
  it.each(OWN)('is sniffed by nobody and stands in no frame: %s, %d', async (_name, status, bytes) => {
    await using gateway = await startGateway();
    await using client = await RawClient.connect(gateway.port);

    client.write(bytes);
    const text = await client.until(/\r\n\r\n/);

    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(protectionOf(text)).toEqual(PROTECTED);
  });

  it('of a controller has the policy that the controller names', async () => {
    await using gateway = await startGateway({ modules: [PageModule] });

    const { headers } = await fetch(`${gateway.url}/v1/page`);

    expect(headers.get('content-security-policy')).toBe("default-src 'self'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('stands in for the body that a service has left out of the refusal of a handshake', async () => {
    await using service = await startRecordingService('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawHandshake());
    const text = await client.until(/\r\n\r\n{/);

    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    expect(protectionOf(text)).toEqual(PROTECTED);
  });
});

describe("a service's response", () => {
  it('is for the service to protect', async () => {
    await using service = await startService((_request, response) => {
      response.writeHead(200, { 'Content-Security-Policy': "script-src 'self'" }).end('served');
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawRequest('GET /v1/auth/profile', CLOSE));
    const { text } = await client.ended();

    expect(protectionOf(text)).toEqual(["Content-Security-Policy: script-src 'self'"]);
  });
});
