import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setInterval as every } from 'node:timers/promises';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { SHORT_TIMEOUTS } from '../support/timeouts.js';
import { bearer, startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { bodyOf, startRawService, startService } from '../support/service.js';

const PROFILE = 'GET /v1/auth/profile';
const CLOSE = { headers: { Connection: 'close' } } as const;
const CHUNK = Buffer.alloc(50_000);

/** Listens with a queue of two and never accepts, since its event loop stands still. */
const DEAF_SERVER = `
  const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** An address where the queue of connections is full, so that the next one waits for its handshake. */
async function startFullService(): Promise<AsyncDisposable & { readonly url: string }> {
  const child = spawn(process.execPath, ['-e', DEAF_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const queued = [1, 2].map(() => connect(Number(port), '127.0.0.1').on('error', () => {}));
  await Promise.all(queued.map((socket) => once(socket, 'connect')));
  return {
    url: `http://127.0.0.1:${port.toString()}`,
    async [Symbol.asyncDispose]() {
      for (const socket of queued) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

@Upstream({
  name: 'reports-service',
  instances: ['http://127.0.0.1:9'],
  routes: [
    { methods: ['GET', 'POST'], path: '/v1/reports/quick', auth: 'none', requestTimeoutMs: 300 },
    { methods: ['GET'], path: '/v1/reports/full', auth: 'none' },
    { methods: ['GET'], path: '/v1/reports/long', auth: 'none', requestTimeoutMs: 60_000 },
  ],
})
class ReportsUpstream {}
@Module({ providers: [ReportsUpstream] })
class ReportsModule {}

describe('the clock of', () => {
  it.concurrent('connecting ends a request to a service that does not take the connection', async () => {
    await using service = await startFullService();
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, CONNECT_TIMEOUT_MS: '400' },
    });

    const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });

    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ error: 'Service timed out', service: 'auth-service' });
    const line = await gateway.logged({ message: 'request' });
    expect(line).toMatchObject({ error_code: 'UPSTREAM_TIMEOUT', stage: 'connect', attempts: 1 });
    expect(line.cause).toMatch(/^ETIMEDOUT/);
  });

  it('a route is one for all attempts: a retry does not wind it up again', async () => {
    let requests = 0;
    await using service = await startService((request, response) => {
      requests++;
      if (requests === 1) response.end();
      // The second takes half of the deadline before it breaks; the third, its retry, stays silent.
      if (requests === 2) setTimeout(() => request.socket.resetAndDestroy(), 600);
    });
    const env = {
      ...SHORT_TIMEOUTS,
      RESPONSE_HEADERS_TIMEOUT_MS: '1000',
      REQUEST_TIMEOUT_MS: '1200',
      STREAM_IDLE_TIMEOUT_MS: '1300',
    };
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...env } });
    await (await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() })).text();

    const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });

    expect(response.status).toBe(504);
    // Wound up again, it would come after the clock of the retry's own headers, which is shorter.
    const line = await gateway.logged({ status: 504 });
    expect(line).toMatchObject({ attempts: 2, stage: 'response_headers', cause: 'request timeout' });
    expect(requests).toBe(3);
  });

  it.concurrent.each(['GET', 'POST'])("a route is the row's own where it has one (%s)", async (method) => {
    await using service = await startService((request, response) => {
      if (request.url === '/v1/reports/full') service.server.once('go on', () => response.end('full'));
    });
    await using gateway = await startGateway({
      modules: [ReportsModule],
      env: { REPORTS_SERVICE_URL: service.url },
    });
    const full = fetch(`${gateway.url}/v1/reports/full`);
    await once(service.server, 'request');

    // It begins after the other and is over before it.
    const body = method === 'POST' ? 'all of it' : null;
    const quick = await fetch(`${gateway.url}/v1/reports/quick`, { method, body });
    service.server.emit('go on');

    expect(quick.status).toBe(504);
    expect(await gateway.logged({ status: 504 })).toMatchObject({ cause: 'request timeout', method });
    expect(await (await full).text()).toBe('full');
  });

  it.concurrent('a route may be longer than those of the gateway', async () => {
    await using service = await startService((request, response) => {
      if (request.url === '/v1/reports/long') service.server.once('go on', () => response.end('long'));
    });
    await using gateway = await startGateway({
      modules: [ReportsModule],
      env: { REPORTS_SERVICE_URL: service.url, ...SHORT_TIMEOUTS },
    });
    const long = fetch(`${gateway.url}/v1/reports/long`);
    await once(service.server, 'request');

    // It begins after the other and ends before it.
    const other = await fetch(`${gateway.url}/v1/reports/full`);
    service.server.emit('go on');

    expect(other.status).toBe(504);
    expect(await (await long).text()).toBe('long');
  });

  it.concurrent('idle bodies ends an upload that the service does not take', async () => {
    await using service = await startRawService((socket) => void socket.pause());
    await using gateway = await startGateway({
      env: { STORAGE_SERVICE_URL: service.url, ...SHORT_TIMEOUTS },
    });
    await using client = await RawClient.connect(gateway.port);
    const headers = { 'Content-Length': 1024 * 1024 * 1024 };
    client.write(rawRequest('PUT /v1/storage/objects/x', { headers }));
    const send = (): void => {
      while (client.text === '' && client.socket.write(CHUNK));
    };
    client.socket.on('drain', send);
    send();

    const answer = await client.until(/\}$/);

    expect(answer).toMatch(/^HTTP\/1\.1 504 .*"error":"Service timed out"/s);
    const line = await gateway.logged({ message: 'request' });
    expect(line).toMatchObject({ error_code: 'UPSTREAM_TIMEOUT', stage: 'request_body' });
    expect(line.cause).toBe('request body not taken');
  });

  it.concurrent('idle bodies ends a download whose client stops reading, at the service too', async () => {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    await using service = await startService((_request, response) => {
      response.once('close', leave);
      const more = (): void => {
        while (response.write(CHUNK));
      };
      response.on('drain', more);
      more();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...SHORT_TIMEOUTS } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest(PROFILE));
    await client.until(/\r\n\r\n/);

    client.socket.pause();
    const line = await gateway.logged({ message: 'request' });
    await left;
    client.socket.resume();

    expect(line).toMatchObject({ status: 499, error_code: 'CLIENT_STALLED', stage: 'response_body' });
    expect((await client.ended()).text).not.toMatch(/0\r\n\r\n$/);
  });

  it.concurrent('client connections ends an idle one and none that waits for its answer', async () => {
    await using service = await startService((_request, response) => {
      service.server.once('go on', () => response.end('at last'));
    });
    const env = { AUTH_SERVICE_URL: service.url, CLIENT_KEEP_ALIVE_TIMEOUT_MS: '200' };
    await using gateway = await startGateway({ env });
    await using busy = await RawClient.connect(gateway.port);
    busy.write(rawRequest(PROFILE, CLOSE));
    await once(service.server, 'request');
    await using idle = await RawClient.connect(gateway.port);
    idle.write(rawRequest('GET /health'));

    // It asked after the other, so the other has waited longer.
    const ended = await idle.ended();
    service.server.emit('go on');

    expect(ended).toMatchObject({ statuses: [200], reset: false });
    expect((await busy.ended()).text).toMatch(/at last/);
  });

  it.each([
    ['a byte', 'G'],
    ['half a request line', 'GET /hea'],
    ['half a header block', 'GET /health HTTP/1.1\r\nHost: a\r\n'],
  ])('client headers answers 408 to a client that sends %s', async (_name, bytes) => {
    // Node looks at this clock every 30 s by default, past the end of this test.
    await using gateway = await startGateway({ env: { CLIENT_HEADER_TIMEOUT_MS: '200' } });
    await using client = await RawClient.connect(gateway.port);
    client.write(bytes);

    const { statuses, json } = await client.ended();

    expect(statuses).toEqual([408]);
    expect(json).toEqual({ error: 'Request headers too slow' });
    expect(await gateway.logged({ message: 'malformed request' })).toMatchObject({
      status: 408,
      code: 'ERR_HTTP_REQUEST_TIMEOUT',
    });
  });
});

describe('an upload that keeps coming', () => {
  it.concurrent('is cut by no clock, however long it takes, and nor is the wait for its answer', async () => {
    // The answer takes longer than the gateway takes to look at its clocks again.
    await using service = await startService((request, response) => {
      if (request.method === 'GET') response.write('and then no more');
      else void bodyOf(request).then((body) => setTimeout(() => response.end(`${body.length} bytes`), 300));
    });
    await using gateway = await startGateway({
      env: {
        AUTH_SERVICE_URL: service.url,
        STORAGE_SERVICE_URL: service.url,
        ...SHORT_TIMEOUTS,
        CLIENT_HEADER_TIMEOUT_MS: '200',
        CLIENT_KEEP_ALIVE_TIMEOUT_MS: '200',
        UPSTREAM_KEEP_ALIVE_TIMEOUT_MS: '200',
        REQUEST_BODY_GRACE_MS: '300',
      },
    });
    await using upload = await RawClient.connect(gateway.port);
    const headers = { Connection: 'close', 'Transfer-Encoding': 'chunked' };
    const part = `64\r\n${'x'.repeat(100)}\r\n`;
    upload.write(rawRequest('PUT /v1/storage/objects/x', { headers, body: part }));
    await once(service.server, 'request');
    // It begins after the upload and idles; what ends it is the longest of the clocks.
    await using download = await RawClient.connect(gateway.port);
    download.write(rawRequest(PROFILE));

    let sent = 100;
    for await (const _ of every(50)) {
      if (download.socket.destroyed) break;
      upload.write(part);
      sent += 100;
    }
    upload.write('0\r\n\r\n');
    const { statuses, text } = await upload.ended();

    expect(await gateway.logged({ method: 'GET' })).toMatchObject({ cause: 'response body idle' });
    expect(statuses).toEqual([200]);
    expect(text).toContain(`${sent} bytes`);
  });
});
