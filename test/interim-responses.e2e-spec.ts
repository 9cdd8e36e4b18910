import { once } from 'node:events';
import type { Socket } from 'node:net';
import { bearer, startGateway } from './support/gateway.js';
import { exchangeRaw, RawClient } from './support/raw-client.js';
import { rawRequest } from './support/raw-request.js';
import { startRawService } from './support/service.js';

const FINAL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const PROCESSING = 'HTTP/1.1 102 Processing\r\nX-Step: 1\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n';

/** A service that says this to each request, in as many writes as there are texts. */
function startSaying(...texts: readonly string[]) {
  return startRawService((socket: Socket) => {
    socket.setNoDelay(true).on('data', (bytes: Buffer) => {
      if (/^(GET|POST) /.test(bytes.toString('latin1'))) void writeEach(socket, texts);
    });
  });
}

async function writeEach(socket: Socket, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    socket.write(text);
    await new Promise(setImmediate);
  }
}

describe('interim responses that nobody expects', () => {
  const SEQUENCES: readonly [string, readonly string[]][] = [
    ['100', [CONTINUE, FINAL]],
    ['100 in one write with the response', [CONTINUE + FINAL]],
    ['102', [PROCESSING, FINAL]],
    ['100 and 102 twice', [CONTINUE, PROCESSING, PROCESSING, FINAL]],
    ['199', ['HTTP/1.1 199 Odd\r\n\r\n', FINAL]],
    ['100 in writes of one byte', [...CONTINUE.split(''), FINAL]],
  ];

  it.each(SEQUENCES)('are dropped: %s', async (_name, texts) => {
    await using service = await startSaying(...texts);
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, RETRIES: '0' } });

    for (const request of [
      rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } }),
      rawRequest('POST /v1/auth/login', {
        headers: { 'Content-Length': 2, Connection: 'close' },
        body: '{}',
      }),
    ]) {
      const { text, statuses } = await exchangeRaw(gateway.port, request);

      expect(statuses).toEqual([200]);
      expect(text.endsWith('\r\n\r\nbody')).toBe(true);
    }
    // The connection goes on to serve.
    expect(service.accepted()).toBe(1);
  });

  it('are dropped around early hints, which are passed on', async () => {
    await using service = await startSaying(CONTINUE, HINTS, PROCESSING, FINAL);
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { text, statuses } = await exchangeRaw(
      gateway.port,
      rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } }),
    );

    expect(statuses).toEqual([103, 200]);
    expect(text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/style\.css>; rel=preload\r\n\r\n/);
  });

  it('say nothing against the instance', async () => {
    await using service = await startSaying(CONTINUE + PROCESSING + FINAL);
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, RETRIES: '0' } });

    for (let round = 0; round < 20; round++) {
      const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });
      expect([response.status, await response.text()]).toEqual([200, 'body']);
    }

    expect(gateway.logs.filter(({ message }) => /^(instance|circuit)/.test(String(message)))).toEqual([]);
  });

  it('without end cost the client no more than the response headers may take', async () => {
    await using service = await startRawService((socket) => {
      const timer = setInterval(() => socket.write(PROCESSING), 20);
      socket.once('close', () => clearInterval(timer));
    });
    await using gateway = await startGateway({
      env: {
        AUTH_SERVICE_URL: service.url,
        CONNECT_TIMEOUT_MS: '200',
        RESPONSE_HEADERS_TIMEOUT_MS: '300',
        ROUTE_DEADLINE_MS: '600',
      },
    });

    const { statuses } = await exchangeRaw(
      gateway.port,
      rawRequest('POST /v1/auth/login', { headers: { 'Content-Length': 0, Connection: 'close' } }),
    );

    expect(statuses).toEqual([504]);
  });

  it('behind a response cost the connection that they came over', async () => {
    await using service = await startSaying(FINAL + CONTINUE);
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawRequest('GET /v1/auth/profile'));
    await client.until(/body$/);
    for (const socket of service.sockets) if (!socket.readableEnded) await once(socket.resume(), 'end');
    client.write(rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } }));

    expect((await client.ended()).statuses).toEqual([200, 200]);
    expect(service.accepted()).toBe(2);
  });
});
