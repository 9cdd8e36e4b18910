import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { ended, startService } from '../support/service.js';

/** A client, with its connection as the gateway has it. */
async function connectTo(gateway: RunningGateway): Promise<{ client: RawClient; atGateway: Socket }> {
  const connected = once(gateway.app.getHttpServer(), 'connection');
  const client = await RawClient.connect(gateway.port);
  const [atGateway] = (await connected) as [Socket];
  return { client, atGateway };
}

/** A service whose response the test writes. */
async function startAnswered() {
  const { promise: asked, resolve: ask } = Promise.withResolvers<ServerResponse>();
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const service = await startService((request, response) => {
    request.socket.once('close', () => leave());
    request.resume().on('error', () => {});
    ask(response);
  });
  return Object.assign(service, { asked, left });
}

/** Ends the client's half, and waits until the gateway has read that. */
async function halfClose(client: RawClient, atGateway: Socket): Promise<void> {
  client.socket.end();
  await ended(atGateway);
}

describe('a client that ends its half behind a complete request', () => {
  it.each([
    ['a GET', rawRequest('GET /v1/auth/profile')],
    ['a GET of HTTP/1.0', rawRequest('GET /v1/auth/profile', { version: '1.0' })],
    ['a POST', rawRequest('POST /v1/auth/login', { headers: { 'Content-Length': 4 }, body: 'body' })],
    [
      'a POST in chunks',
      rawRequest('POST /v1/auth/login', {
        headers: { 'Transfer-Encoding': 'chunked' },
        body: '4\r\nbody\r\n0\r\n\r\n',
      }),
    ],
  ])('gets the response to %s, then the end', async (_name, request) => {
    await using service = await startAnswered();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const { client, atGateway } = await connectTo(gateway);
    await using _client = client;
    client.write(request);
    await halfClose(client, atGateway);

    (await service.asked).end('whole');
    const { text, statuses, reset } = await client.ended();

    expect({ statuses, reset }).toEqual({ statuses: [200], reset: false });
    expect(text).toMatch(/\r\n\r\n(5\r\n)?whole(\r\n0\r\n\r\n)?$/);
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ status: 200 });
  });

  it.each([2, 200])('gets the responses to %i pipelined ones in order', async (count) => {
    const { promise: goOn, resolve: go } = Promise.withResolvers<void>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    await using service = await startService((request, response) => {
      ask();
      void goOn.then(() => response.end(`<${request.url!.split('=')[1]}>`));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    for (let index = 0; index < count; index++) client.write(rawRequest(`GET /v1/auth/profile?n=${index}`));
    client.socket.end();
    await asked;
    go();
    const { text, statuses, reset } = await client.ended();

    expect({ statuses, reset }).toEqual({ statuses: Array<number>(count).fill(200), reset: false });
    expect([...text.matchAll(/<(\d+)>/g)].map(([, index]) => Number(index))).toEqual(
      Array.from({ length: count }, (_, index) => index),
    );
  });

  it('gets an event stream as long as it reads', async () => {
    await using service = await startAnswered();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const { client, atGateway } = await connectTo(gateway);
    await using _client = client;
    client.write(rawRequest('GET /v1/auth/profile'));
    await halfClose(client, atGateway);
    const stream = await service.asked;

    stream.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const event of ['one', 'two', 'three']) {
      stream.write(`data: ${event}\n\n`);
      await client.until(new RegExp(`data: ${event}\n\n`));
    }
    stream.end();
    const { text, reset } = await client.ended();

    expect(reset).toBe(false);
    expect(text).toMatch(/\r\n0\r\n\r\n$/);
  });

  it('gets a large download whole', async () => {
    const bytes = 16 * 1024 * 1024;
    await using service = await startAnswered();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const { client, atGateway } = await connectTo(gateway);
    await using _client = client;
    client.write(rawRequest('GET /v1/auth/profile'));
    await halfClose(client, atGateway);

    (await service.asked).end(Buffer.alloc(bytes, 'x'));
    const { text, reset } = await client.ended();

    expect(reset).toBe(false);
    expect(text.length - text.indexOf('\r\n\r\n') - 4).toBe(bytes);
  });

  it('gets a refusal by the gateway too', async () => {
    await using gateway = await startGateway();
    const { client, atGateway } = await connectTo(gateway);
    await using _client = client;
    client.write('GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n');
    await halfClose(client, atGateway);

    expect((await client.ended()).statuses).toEqual([404]);
  });
});

describe('a client that ends its half in the middle of a request has gone', () => {
  it.each([
    ['of its head', 'GET /v1/users/me HTTP/1.1\r\nHost: ga'],
    ['of its body', rawRequest('POST /v1/auth/login', { headers: { 'Content-Length': 9 }, body: 'body' })],
    [
      'of a chunk',
      rawRequest('POST /v1/auth/login', { headers: { 'Transfer-Encoding': 'chunked' }, body: '9\r\nbody' }),
    ],
  ])('%s, and so has the request before it', async (_where, part) => {
    await using service = await startAnswered();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('GET /v1/auth/profile'));
    await service.asked;

    client.socket.end(part);
    const { text } = await client.ended();

    await service.left;
    expect(text).toBe('');
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ method: 'GET', status: 499 });
  });
});

describe('a client that has half-closed and then goes', () => {
  async function startWaiting() {
    const service = await startAnswered();
    const gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const { client, atGateway } = await connectTo(gateway);
    client.write(rawRequest('GET /v1/auth/profile'));
    await halfClose(client, atGateway);
    return {
      service,
      gateway,
      client,
      response: await service.asked,
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]();
        await gateway[Symbol.asyncDispose]();
        await service[Symbol.asyncDispose]();
      },
    };
  }

  it('by a reset ends the request to the service', async () => {
    await using waiting = await startWaiting();

    waiting.client.socket.resetAndDestroy();

    await waiting.service.left;
    expect(await waiting.gateway.logged({ message: 'request' })).toMatchObject({
      status: 499,
      error_code: 'CLIENT_GONE',
      stage: 'response_headers',
    });
  });

  it('and closes ends it at the first bytes of the response, though no more follow', async () => {
    await using waiting = await startWaiting();

    waiting.client.socket.destroy();
    await once(waiting.client.socket, 'close');
    waiting.response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    waiting.response.write('data: one\n\n');

    await waiting.service.left;
    expect(await waiting.gateway.logged({ message: 'request' })).toMatchObject({
      status: 499,
      error_code: 'CLIENT_GONE',
      stage: 'response_body',
    });
  });
});

describe("a trusted proxy's end", () => {
  it('says that its client has gone: the request to the service ends', async () => {
    await using service = await startAnswered();
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, TRUST_PROXY: '127.0.0.1' },
    });
    await using proxy = await RawClient.connect(gateway.port);
    proxy.write(rawRequest('GET /v1/auth/profile'));
    await service.asked;

    proxy.socket.end();

    await service.left;
    expect((await proxy.ended()).text).toBe('');
    expect(await gateway.logged({ message: 'request' })).toMatchObject({
      status: 499,
      error_code: 'CLIENT_GONE',
      stage: 'response_headers',
    });
  });
});
