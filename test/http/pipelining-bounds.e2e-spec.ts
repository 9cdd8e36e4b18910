import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService } from '../support/service.js';

/** Headers that take few bytes of a head, and much memory. */
const MANY_HEADERS = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`a${index}`, 'b']));

/** The line of a connection that was closed for the memory of its requests. */
const CLOSED = 'closed a connection: its pipelined requests take too much memory';

describe('requests that wait for responses before them', () => {
  it('are not read ahead of their turn, however many bytes of them there are', async () => {
    await using service = await startService(() => {});
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const connected = once(gateway.app.getHttpServer(), 'connection');
    await using client = await RawClient.connect(gateway.port);
    const [atGateway] = (await connected) as [Socket];
    const more = rawRequest('POST /v1/auth/login', {
      headers: { 'Content-Length': 100 },
      body: 'x'.repeat(100),
    });

    const paused = once(atGateway, 'pause');
    client.write(rawRequest('GET /v1/users/me') + more.repeat(20_000));
    await paused;

    expect(atGateway.isPaused()).toBe(true);
    expect(atGateway.bytesRead).toBeLessThan(256 * 1024);
    expect(client.socket.writableLength).toBeGreaterThan(0);
  });

  it('cost no stack trace each, if their connection closes before their turn', async () => {
    await using gateway = await startGateway();
    const requests: IncomingMessage[] = [];
    gateway.app.getHttpServer().on('request', (request: IncomingMessage) => requests.push(request));
    await using client = await RawClient.connect(gateway.port);

    // A request without Host ends the connection.
    client.write(`GET / HTTP/1.1\r\n\r\n${rawRequest('GET /health').repeat(100)}`);
    await client.ended();

    expect(requests).toHaveLength(101);
    expect(requests.filter(({ errored }) => errored)).toEqual([]);
  });

  it.each([1, 10])('leave turns of the event loop to others (%i connections)', async (count) => {
    await using gateway = await startGateway();
    const clients = await Promise.all(Array.from({ length: count }, () => RawClient.connect(gateway.port)));
    const refused = 2_000 / count;
    let most = 0;
    const look = (seen: number): void => {
      most = Math.max(most, gateway.logs.length - seen);
      turn = setImmediate(look, gateway.logs.length);
    };
    let turn = setImmediate(look, gateway.logs.length);
    const last = rawRequest('GET /nothing', { headers: { Connection: 'close' } });

    for (const client of clients)
      client.write('GET /nothing HTTP/1.1\r\nHost:a\r\n\r\n'.repeat(refused - 1) + last);
    const ends = await Promise.all(clients.map((client) => client.ended()));
    clearImmediate(turn);

    expect(ends.flatMap(({ statuses }) => statuses)).toEqual(Array.from({ length: 2_000 }, () => 404));
    // The first request of each connection waits for none.
    expect(most).toBeLessThanOrEqual(count + 2 * 8);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  it.each([
    ['heads of many headers', rawRequest('GET /v1/users/me', { headers: MANY_HEADERS }).repeat(40)],
    [
      'chunks of one byte',
      rawRequest('POST /v1/auth/login', {
        headers: { 'Transfer-Encoding': 'chunked' },
        body: '1\r\na\r\n'.repeat(50_000),
      }),
    ],
  ])('are not read ahead of their turn, if they take memory (%s)', async (_name, more) => {
    await using service = await startService(() => {});
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const connected = once(gateway.app.getHttpServer(), 'connection');
    await using client = await RawClient.connect(gateway.port);
    const [atGateway] = (await connected) as [Socket];

    const paused = once(atGateway, 'pause');
    client.write(rawRequest('GET /v1/users/me') + more);
    await paused;

    expect(atGateway.isPaused()).toBe(true);
    // One read, behind that of the first request.
    expect(atGateway.bytesRead).toBeLessThan(160 * 1024);
  });

  it('cost their connection, and no other, while too many wait in all', async () => {
    await using service = await startService(() => {});
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using patient = await RawClient.connect(gateway.port);
    patient.write(rawRequest('GET /v1/users/me') + rawRequest('GET /health').repeat(20));
    const flood = rawRequest('GET /v1/users/me') + 'GET /health HTTP/1.1\r\nHost:a\r\n\r\n'.repeat(1_800);
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(gateway.port)));

    for (const client of clients) client.write(flood);
    await Promise.race(clients.map((client) => client.ended()));

    expect(await gateway.logged({ message: CLOSED })).toMatchObject({
      client_ip: '127.0.0.1',
      bytes: expect.any(Number),
    });
    expect(patient.socket.destroyed).toBe(false);
    for (const client of clients) await client[Symbol.asyncDispose]();
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  it('cost their connection while few of them take too much memory in all', async () => {
    await using service = await startService(() => {});
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using patient = await RawClient.connect(gateway.port);
    patient.write(rawRequest('GET /v1/users/me') + rawRequest('GET /health').repeat(20));
    const large = rawRequest('GET /v1/users/me', { headers: MANY_HEADERS });
    const clients = await Promise.all(Array.from({ length: 60 }, () => RawClient.connect(gateway.port)));

    for (const client of clients) client.write(large.repeat(10));
    await Promise.race(clients.map((client) => client.ended()));

    await gateway.logged({ message: CLOSED });
    expect(patient.socket.destroyed).toBe(false);
    for (const client of clients) await client[Symbol.asyncDispose]();
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });
});
