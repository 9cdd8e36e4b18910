import type { Socket } from 'node:net';
import { SHORT_TIMEOUTS } from '../support/timeouts.js';
import { bearer, startGateway, type GatewayOptions } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRawService, type PlayedService } from '../support/service.js';

/** A raw service that does one thing once a request's headers are there. */
function startFaultyService(act: (socket: Socket) => void): Promise<PlayedService> {
  return startRawService((socket) => {
    socket.once('data', () => act(socket));
  });
}

interface Fault {
  readonly act: Parameters<typeof startFaultyService>[0];
  readonly status: number;
  readonly code: string;
  readonly stage: string;
  readonly env?: GatewayOptions['env'];
}

const OK = 'HTTP/1.1 200 OK\r\n';

const FAULTS: Readonly<Record<string, Fault>> = {
  'resets the connection before its headers': {
    act: (socket) => socket.resetAndDestroy(),
    status: 502,
    code: 'UPSTREAM_DISCONNECTED',
    stage: 'response_headers',
  },
  'ends the connection before its headers': {
    act: (socket) => socket.end(),
    status: 502,
    code: 'UPSTREAM_DISCONNECTED',
    stage: 'response_headers',
  },
  'ends the connection in the middle of its headers': {
    act: (socket) => socket.end(`${OK}Content-Ty`),
    status: 502,
    code: 'UPSTREAM_DISCONNECTED',
    stage: 'response_headers',
  },
  'stays silent': {
    act: () => {},
    status: 504,
    code: 'UPSTREAM_TIMEOUT',
    stage: 'response_headers',
    env: SHORT_TIMEOUTS,
  },
  'sends something that is not HTTP': {
    act: (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'),
    status: 502,
    code: 'UPSTREAM_INVALID_RESPONSE',
    stage: 'response_headers',
  },
  'sends a status line that is none': {
    act: (socket) => socket.write('HTTP/1.1 abc Odd\r\nContent-Length: 0\r\n\r\n'),
    status: 502,
    code: 'UPSTREAM_INVALID_RESPONSE',
    stage: 'response_headers',
  },
  'sends a status of two digits': {
    act: (socket) => socket.write('HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'),
    status: 502,
    code: 'UPSTREAM_INVALID_RESPONSE',
    stage: 'response_headers',
  },
  'speaks another protocol version': {
    act: (socket) => socket.write('HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n'),
    status: 502,
    code: 'UPSTREAM_INVALID_RESPONSE',
    stage: 'response_headers',
  },
  'sends more headers than the limit': {
    act: (socket) => socket.write(`${OK}X-Long: ${'x'.repeat(20_000)}\r\n\r\n`),
    status: 502,
    code: 'UPSTREAM_INVALID_RESPONSE',
    stage: 'response_headers',
  },
  'sends two lengths': {
    act: (socket) => socket.write(`${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`),
    status: 502,
    code: 'UPSTREAM_INVALID_RESPONSE',
    stage: 'response_headers',
  },
  'sends a length and a transfer coding': {
    act: (socket) => socket.write(`${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
    status: 502,
    code: 'UPSTREAM_INVALID_RESPONSE',
    stage: 'response_headers',
  },
  'uses a transfer coding that would be lost': {
    act: (socket) => socket.write(`${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`),
    status: 502,
    code: 'UPSTREAM_INVALID_RESPONSE',
    stage: 'response_headers',
  },
  'switches protocols unasked': {
    act: (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
    status: 502,
    code: 'UPSTREAM_INVALID_RESPONSE',
    stage: 'response_headers',
  },
  'sends control bytes in a header': {
    act: (socket) => socket.write(`${OK}X-Odd: a\u0001b\r\nContent-Length: 0\r\n\r\n`),
    status: 502,
    code: 'UPSTREAM_INVALID_RESPONSE',
    stage: 'response_headers',
  },
};

describe('a service that', () => {
  it.each(Object.entries(FAULTS))(
    '%s gives one JSON error, a line that explains it, and no more',
    async (_name, fault) => {
      await using service = await startFaultyService(fault.act);
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...fault.env } });

      const { text, statuses, json } = await exchangeRaw(
        gateway.port,
        rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } }),
      );

      const error = fault.status === 504 ? 'Service timed out' : 'Service unavailable';
      const id = /^X-Request-ID: (.*)\r$/m.exec(text)?.[1];
      expect(statuses).toEqual([fault.status]);
      expect(text).toMatch(/^Content-Type: application\/json; charset=utf-8\r$/m);
      expect(json).toEqual({ error, service: 'auth-service', request_id: id });
      expect(text).not.toMatch(/127\.0\.0\.1|    at |undici|node:/);
      const line = await gateway.logged({ request_id: id! });
      expect(line).toMatchObject({
        status: fault.status,
        error_code: fault.code,
        stage: fault.stage,
        upstream: 'auth-service',
        instance: service.url,
        attempts: 1,
        cause: expect.any(String),
      });
      expect(service.accepted()).toBe(1);
      expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    },
  );

  it('announces more than it sends breaks the client off too', async () => {
    await using service = await startFaultyService((socket) =>
      socket.end(`${OK}Content-Length: 10\r\n\r\nshort`),
    );
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });

    await expect(response.text()).rejects.toThrow('terminated');
    const line = await gateway.logged({ message: 'request' });
    expect(line).toMatchObject({ status: 502, error_code: 'UPSTREAM_DISCONNECTED', stage: 'response_body' });
  });

  it('sends more than it announced is cut at what it announced, and its connection is not used again', async () => {
    await using service = await startFaultyService((socket) =>
      socket.write(`${OK}Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK`),
    );
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });
    expect(await response.text()).toBe('ok');
    await (await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() })).text();

    expect(service.accepted()).toBe(2);
  });

  it('is not there gives one JSON error that names it, and a line that says why', async () => {
    await using gateway = await startGateway();

    const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });

    const id = response.headers.get('x-request-id');
    expect(response.status).toBe(502);
    expect(await response.json()).toEqual({
      error: 'Service unavailable',
      service: 'auth-service',
      request_id: id,
    });
    const line = await gateway.logged({ request_id: id });
    expect(line).toMatchObject({ error_code: 'UPSTREAM_UNREACHABLE', stage: 'connect', attempts: 1 });
    expect(line.cause).toMatch(/ECONNREFUSED/);
  });
});
