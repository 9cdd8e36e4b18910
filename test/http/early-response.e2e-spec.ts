import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { bearer, startGateway } from '../support/gateway.js';
import { Intervals } from '../support/intervals.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { bodyOf, startRawService, type PlayedService } from '../support/service.js';

const KIB = 1024;
const MIB = 1024 * KIB;

const TOO_LARGE =
  'HTTP/1.1 413 Payload Too Large\r\nContent-Type: text/plain\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large';

/** A service that answers the head of each request, reads no byte of its body, and closes: the rest gets a reset. */
function startRefusing(answer: string): Promise<PlayedService> {
  return startRawService((socket: Socket) => {
    socket.once('readable', () => {
      socket.read();
      socket.end(answer, () => socket.destroy());
    });
  });
}

/** Uploads so many bytes, whatever the answer; the status and body of it. */
async function upload(port: number, bytes: number, isChunked: boolean): Promise<[number, string]> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { ...bearer(), ...(!isChunked && { 'Content-Length': String(bytes) }) };
  const request = httpRequest({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/v1/storage/upload-url',
    headers,
    agent: false,
  });
  request.on('response', resolve).on('error', reject);
  const chunk = Buffer.alloc(64 * KIB, 'x');
  for (let sent = 0; sent < bytes && !request.destroyed; sent += chunk.length) {
    if (!request.write(chunk.subarray(0, bytes - sent))) {
      // Either there is room again, or nobody takes any more.
      await Promise.race([once(request, 'drain'), once(request, 'close'), promise]);
    }
  }
  request.end();
  const response = await promise;
  return [response.statusCode!, await bodyOf(response)];
}

describe('an answer that a service gives before it has read the upload', () => {
  const SIZES: readonly (readonly [string, number])[] = [
    ['64 KiB', 64 * KIB],
    ['1 MiB', MIB],
    ['8 MiB', 8 * MIB],
  ];
  const UPLOADS = SIZES.flatMap(([size, bytes]) => [
    [size, 'with a length', bytes, false] as const,
    [size, 'in chunks', bytes, true] as const,
  ]);

  it.each(UPLOADS)(
    'reaches the client though the service closes at once: %s %s',
    async (_size, _how, bytes, isChunked) => {
      await using service = await startRefusing(TOO_LARGE);
      await using gateway = await startGateway({ env: { STORAGE_SERVICE_URL: service.url } });

      for (let round = 0; round < 15; round++) {
        expect(await upload(gateway.port, bytes, isChunked)).toEqual([413, 'too large']);
      }

      expect(service.accepted()).toBe(15);
      expect(gateway.logs.filter(({ message }) => /^(circuit|instance)/.test(String(message)))).toEqual([]);
    },
    60_000,
  );

  it('an upload that is refused early opens no circuit: the next request reaches the service', async () => {
    await using service = await startRefusing(TOO_LARGE);
    await using gateway = await startGateway({ env: { STORAGE_SERVICE_URL: service.url } });
    const statuses: number[] = [];

    for (let round = 0; round < 40; round++) statuses.push((await upload(gateway.port, MIB, true))[0]);

    expect(new Set(statuses)).toEqual(new Set([413]));
    const other = await fetch(`${gateway.url}/v1/storage/quota`, { headers: bearer() });
    expect(other.status).toBe(413);
  }, 60_000);

  it('is no answer if the service cuts it: 502, once', async () => {
    await using service = await startRefusing('HTTP/1.1 413 Payload Too Large\r\nContent-Le');
    await using gateway = await startGateway({ env: { STORAGE_SERVICE_URL: service.url } });

    expect((await upload(gateway.port, MIB, false))[0]).toBe(502);
    await gateway.logged({ message: 'request', status: 502, error_code: 'UPSTREAM_DISCONNECTED' });
  });

  it('breaks off if only the end of the connection frames it, since that may be a reset', async () => {
    await using service = await startRefusing('HTTP/1.1 413 Payload Too Large\r\n\r\ntoo la');
    await using gateway = await startGateway({ env: { STORAGE_SERVICE_URL: service.url } });

    await expect(upload(gateway.port, 8 * MIB, false)).rejects.toThrow(/aborted|ECONNRESET|socket hang up/);
  });
});

describe('a refusal of the gateway', () => {
  const UPLOADS: readonly [string, string, string | undefined, RegExp][] = [
    ['with a method that no route takes', 'PUT /v1/storage/upload-url', undefined, /^HTTP\/1\.1 405 /],
    ['to a path that no route has', 'POST /nowhere', undefined, /^HTTP\/1\.1 404 /],
    ['without a token', 'POST /v1/storage/upload-url', '', /^HTTP\/1\.1 401 /],
    ['that is larger than the limit', 'POST /v1/storage/upload-url', undefined, /^HTTP\/1\.1 413 /],
  ];

  it.each(UPLOADS)(
    'reaches a client that sends 20 MiB before it reads: %s',
    async (_what, line, token, status) => {
      await using service = await startRawService((socket) => void socket.resume());
      await using gateway = await startGateway({
        env: { STORAGE_SERVICE_URL: service.url, MAX_REQUEST_BODY_BYTES: String(100 * KIB) },
      });
      await using client = await RawClient.connect(gateway.port);
      client.socket.pause();
      const headers = { 'Transfer-Encoding': 'chunked', ...(token === '' && { Authorization: 'none' }) };
      client.write(rawRequest(line, { headers }));
      const chunk = Buffer.from(`10000\r\n${'x'.repeat(64 * KIB)}\r\n`);
      for (let sent = 0; sent < 20 * MIB; sent += 64 * KIB) {
        if (!client.socket.write(chunk)) await once(client.socket, 'drain');
      }
      client.write('0\r\n\r\n');
      client.socket.resume();

      const text = await client.until(/\r\n\r\n\{.*\}$/s);

      expect(text).toMatch(status);
    },
  );
});

describe('a client that leaves its upload once it is refused', () => {
  it('leaves no interval behind', async () => {
    using intervals = new Intervals();
    await using gateway = await startGateway();
    const before = intervals.size;

    for (let each = 0; each < 3; each++) {
      const client = await RawClient.connect(gateway.port);
      client.write('POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart');
      await client.until(/Authorization header required/);
      expect(intervals.size).toBeGreaterThan(before);
      await client[Symbol.asyncDispose]();
    }

    while (intervals.size > before) await new Promise(setImmediate);
  });
});
