import { once } from 'node:events';
import type { Socket } from 'node:net';
import { bearer, startGateway } from '../support/gateway.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRawService } from '../support/service.js';

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
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, MAX_RETRIES: '0' } });

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
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, MAX_RETRIES: '0' } });

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
        REQUEST_TIMEOUT_MS: '600',
      },
    });

    const { statuses } = await exchangeRaw(
      gateway.port,
      rawRequest('POST /v1/auth/login', { headers: { 'Content-Length': 0, Connection: 'close' } }),
    );

    expect(statuses).toEqual([504]);
  });

  it.each(['HTTP/1.1 100 Continue\n\n', 'HTTP/1.1 102 P\r\nX: a\n\n', 'HTTP/1.1 100 Continue\r\n\n'])(
    'with bare line feeds do not make a response of what a body holds: %j',
    async (interim) => {
      const evil = 'HTTP/1.1 200 OK\r\nSet-Cookie: evil=1\r\nContent-Length: 4\r\n\r\nEVIL';
      await using service = await startSaying(
        `${interim}HTTP/1.1 200 OK\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`,
      );
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, MAX_RETRIES: '0' } });

      const { text, statuses } = await exchangeRaw(
        gateway.port,
        rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } }),
      );

      expect(statuses).toEqual([502]);
      expect(text).not.toContain('evil');
    },
  );

  it.each(['HTTP/1.1 ', 'HTTP/1.1 103 Early Hints\r\nLink: </a', CONTINUE + 'HTTP/1.'])(
    'whose head is cut by a read cost no byte of a large response: %j',
    async (first) => {
      const body = Buffer.alloc(400_000, 'abcdefghij');
      const rest = /103/.test(first)
        ? '>\r\n\r\nHTTP/1.1 200 OK'
        : first.endsWith('1.')
          ? '1 200 OK'
          : '200 OK';
      await using service = await startRawService((socket) => {
        socket.once('data', () => {
          socket.setNoDelay(true).write(first);
          setTimeout(() => {
            socket.write(Buffer.concat([Buffer.from(`${rest}\r\nContent-Length: 400000\r\n\r\n`), body]));
          }, 20);
        });
      });
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

      const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });

      expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
    },
  );

  it('do not take an instance for one that fails its health checks', async () => {
    const { promise: checked, resolve } = Promise.withResolvers<void>();
    let checks = 0;
    await using service = await startRawService((socket) => {
      socket.on('data', () => {
        socket.write(CONTINUE + FINAL);
        if (++checks === 5) resolve();
      });
    });
    await using gateway = await startGateway({
      env: {
        AUTH_SERVICE_URL: `${service.url},http://localhost:${service.port}`,
        HEALTH_CHECK_INTERVAL_MS: '20',
      },
    });

    await checked;

    const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });
    expect(await response.text()).toBe('body');
    expect(gateway.logs.filter(({ message }) => String(message).startsWith('instance'))).toEqual([]);
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
