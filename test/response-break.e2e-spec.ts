import { once } from 'node:events';
import { bearer, startGateway } from './support/gateway.js';
import { RawClient } from './support/raw-client.js';
import { startService } from './support/service.js';

const get = (version = '1.1'): string =>
  `GET /v1/auth/profile HTTP/${version}\r\nHost: a\r\nAuthorization: ${bearer().Authorization}\r\n\r\n`;

describe('a service that breaks in the middle of its body', () => {
  it.each([
    ['with a length', { 'Content-Length': '100' }],
    ['in chunks', {}],
  ])('%s leaves the client a response that is plainly not complete', async (_name, headers) => {
    await using service = await startService((request, response) => {
      response.writeHead(200, headers);
      response.write('half', () => request.socket.resetAndDestroy());
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(get());

    const { text, statuses } = await client.ended();

    expect(statuses).toEqual([200]);
    expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(await gateway.logged({ message: 'request' })).toMatchObject({
      status: 502,
      error_code: 'UPSTREAM_DISCONNECTED',
      stage: 'response_body',
    });
  });

  it('resets an HTTP/1.0 client, to whom an end would say that all is there', async () => {
    await using service = await startService((request, response) => {
      response.write('half', () => request.socket.resetAndDestroy());
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(get('1.0'));

    const { reset } = await client.ended();

    expect(reset).toBe(true);
  });

  it('breaks a body that stands still past the idle limit, but not an event stream within its own', async () => {
    await using service = await startService((request, response) => {
      response.writeHead(200, {
        'Content-Type': request.url!.endsWith('?events') ? 'text/event-stream' : 'text/plain',
      });
      response.write('first\n');
    });
    await using gateway = await startGateway({
      env: {
        AUTH_SERVICE_URL: service.url,
        CONNECT_TIMEOUT_MS: '100',
        RESPONSE_HEADERS_TIMEOUT_MS: '200',
        ROUTE_DEADLINE_MS: '250',
        IDLE_BODY_TIMEOUT_MS: '300',
      },
    });
    const events = await fetch(`${gateway.url}/v1/auth/profile?events`, { headers: bearer() });
    const reader = events.body!.getReader();
    await reader.read();

    const still = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });
    await expect(still.text()).rejects.toThrow('terminated');

    expect(await gateway.logged({ message: 'request' })).toMatchObject({
      status: 504,
      error_code: 'UPSTREAM_TIMEOUT',
    });
    const next = reader.read();
    for (const socket of service.sockets) socket.write('8\r\nsecond\n\n\r\n');
    expect(Buffer.from((await next).value!).toString()).toBe('second\n\n');
    await reader.cancel();
  });
});

describe('a client that leaves', () => {
  it('before the headers ends the request at the service', async () => {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    await using service = await startService((request) => request.socket.once('close', () => resolve()));
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const client = await RawClient.connect(gateway.port);
    client.write(get());
    await once(service.server, 'request');

    await client[Symbol.asyncDispose]();
    await gone;

    expect(await gateway.logged({ status: 499 })).toMatchObject({
      error_code: 'CLIENT_GONE',
      stage: 'response_headers',
    });
  });

  it('in the middle of a download ends it at the service', async () => {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    await using service = await startService((request, response) => {
      request.socket.once('close', () => resolve());
      response.write('first');
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const client = await RawClient.connect(gateway.port);
    client.write(get());
    await client.until(/first/);

    await client[Symbol.asyncDispose]();
    await gone;

    expect(await gateway.logged({ status: 499 })).toMatchObject({
      error_code: 'CLIENT_GONE',
      stage: 'response_body',
    });
  });

  it('in the middle of an upload ends it at the service', async () => {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    await using service = await startService((request) => {
      request.resume();
      request.once('error', () => resolve());
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const client = await RawClient.connect(gateway.port);
    client.write(`POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf`);
    await once(service.server, 'request');

    await client[Symbol.asyncDispose]();
    await gone;

    expect(await gateway.logged({ status: 499 })).toMatchObject({
      error_code: 'CLIENT_GONE',
      stage: 'request_body',
    });
  });
});
