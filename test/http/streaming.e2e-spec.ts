import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { bearer, startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { startRawService, startService } from '../support/service.js';

const authorization = (): string => bearer().Authorization;
const get = (): string =>
  `GET /v1/auth/profile HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization()}\r\n\r\n`;

const MIB = 1024 * 1024;

describe('streaming', () => {
  it('sends headers and each event on as soon as they are there', async () => {
    let emit: (text: string) => void = () => {};
    await using service = await startService((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
      emit = (text) => response.write(text);
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(get());

    await client.until(/text\/event-stream.*\r\n\r\n$/s);
    emit('data: one\n\n');
    await client.until(/data: one\n\n\r\n$/);
    emit('data: two\n\n');
    await client.until(/data: two\n\n\r\n$/);
  });

  it('keeps latin1 bytes of a header that goes out before any body', async () => {
    await using service = await startRawService((socket) => {
      socket.once('data', () => {
        const bytes = 'HTTP/1.1 200 OK\r\nX-Name: Andr\xe9\r\nTransfer-Encoding: chunked\r\n\r\n';
        socket.write(Buffer.from(bytes, 'latin1'));
      });
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(get());

    expect(await client.until(/\r\n\r\n/)).toContain('X-Name: Andr\xe9\r\n');
  });

  it('lets an upload reach the service before it is complete', async () => {
    await using service = await startService((request, response) => {
      request.once('data', () => response.writeEarlyHints({ link: '</seen>; rel=preload' }));
      request.on('end', () => response.end('complete'));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(
      'POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\nfirst',
    );

    await client.until(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/seen>; rel=preload\r\n/);
    client.write('later');
    const { text } = await client.ended();

    expect(text).toMatch(/complete$/);
  });

  it('carries 32 MiB each way byte for byte', async () => {
    await using service = await startService(
      (request, response) => void pipeline(request, response).catch(() => {}),
    );
    await using gateway = await startGateway({ env: { STORAGE_SERVICE_URL: service.url } });
    const sent = randomBytes(32 * MIB);

    const response = await fetch(`${gateway.url}/v1/storage/objects/x`, { method: 'PUT', body: sent });
    const received = Buffer.from(await response.arrayBuffer());

    const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    expect(digest(received)).toBe(digest(sent));
  });

  it('holds the service back while the client does not read', async () => {
    const chunk = Buffer.alloc(64 * 1024);
    let written = 0;
    const { promise: stalled, resolve: stall } = Promise.withResolvers<void>();
    await using service = await startService((_request, response) => {
      const write = (): void => {
        while (written < 256 * MIB) {
          written += chunk.length;
          if (!response.write(chunk)) {
            response.once('drain', write);
            return;
          }
        }
      };
      write();
      let before = -1;
      const look = setInterval(() => {
        if (written === before) {
          clearInterval(look);
          stall();
        }
        before = written;
      }, 200);
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.socket.pause();
    client.write(get());

    await stalled;

    expect(written).toBeLessThan(64 * MIB);
  });

  it('holds the client back while the service does not read', async () => {
    await using service = await startRawService((socket) => void socket.pause());
    await using gateway = await startGateway({ env: { STORAGE_SERVICE_URL: service.url } });
    const upload = httpRequest({
      port: gateway.port,
      host: '127.0.0.1',
      method: 'PUT',
      path: '/v1/storage/objects/x',
      headers: { 'Content-Length': 256 * MIB },
    });
    upload.on('error', () => {});
    const chunk = Buffer.alloc(64 * 1024);
    let written = 0;
    const write = (): void => {
      do written += chunk.length;
      while (upload.write(chunk) && written < 256 * MIB);
    };
    upload.on('drain', write);
    write();

    let before = -1;
    const { promise: stalled, resolve: stall } = Promise.withResolvers<void>();
    const look = setInterval(() => {
      if (written === before) stall();
      before = written;
    }, 200);
    await stalled;
    clearInterval(look);
    upload.destroy();

    expect(written).toBeLessThan(64 * MIB);
  });

  it('sends trailers on', async () => {
    await using service = await startService((_request, response) => {
      response.writeHead(200, { Trailer: 'X-Checksum' });
      response.write('body');
      response.addTrailers({ 'X-Checksum': 'abc' });
      response.end();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const request = httpRequest(`${gateway.url}/v1/auth/profile`, { headers: bearer() }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');

    expect(response.headers.trailer).toBe('X-Checksum');
    expect(response.trailers).toEqual({ 'x-checksum': 'abc' });
  });

  it.each([
    ['small', 5],
    ['large', 200_000],
  ])(
    'sends trailers of a %s request on, but none that a service may trust or obey',
    async (_size, length) => {
      let received: { headers: IncomingHttpHeaders; trailers: string[]; bytes: number } | undefined;
      await using service = await startService((request, response) => {
        let bytes = 0;
        request.on('data', (chunk: Buffer) => (bytes += chunk.length));
        request.on('end', () => {
          received = { headers: request.headers, trailers: request.rawTrailers, bytes };
          response.end();
        });
      });
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
      await using client = await RawClient.connect(gateway.port);
      const trailers = ['X-Checksum: abc', 'X-User-Id: eve', 'Authorization: x', 'Host: x', 'If-Match: x'];
      const fields = 'TE: trailers\r\nConnection: close, TE\r\nTrailer: X-Checksum, Authorization';
      client.write(
        `POST /v1/keys/upload HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization()}\r\n${fields}\r\nTransfer-Encoding: chunked\r\n\r\n` +
          `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n0\r\n${trailers.join('\r\n')}\r\n\r\n`,
      );

      expect((await client.ended()).statuses).toEqual([200]);
      expect(received).toMatchObject({ trailers: ['X-Checksum', 'abc'], bytes: length });
      expect(received!.headers).toMatchObject({ trailer: 'X-Checksum', te: 'trailers' });
    },
  );

  it.each([
    ['HEAD', '1.1'],
    ['GET', '1.0'],
  ])('leaves out the announcement of trailers that %s in HTTP/%s cannot have', async (method, version) => {
    await using service = await startService((_request, response) => {
      response.writeHead(200, { Trailer: 'X-Checksum', 'Transfer-Encoding': 'chunked' });
      response.addTrailers({ 'X-Checksum': 'abc' });
      response.end();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(
      get()
        .replace('GET', method)
        .replace('HTTP/1.1', `HTTP/${version}`)
        .replace('Host: a', 'Host: a\r\nConnection: close'),
    );

    const { text, statuses } = await client.ended();

    expect(statuses).toEqual([200]);
    expect(text).not.toMatch(/trailer|checksum/i);
  });

  it.each([
    ['Trouv\xe9', 'OK'],
    ['\u2713', 'OK'],
    ['', 'OK'],
    ['Fine by me', 'Fine by me'],
  ])('passes an answer with the reason phrase "%s" as "%s"', async (sent, got) => {
    await using service = await startRawService((socket) => {
      socket.once('data', () => {
        const bytes = sent === '\u2713' ? Buffer.from(sent) : Buffer.from(sent, 'latin1');
        socket.write(
          Buffer.concat([
            Buffer.from('HTTP/1.1 200 '),
            bytes,
            Buffer.from('\r\nContent-Length: 4\r\n\r\nfine'),
          ]),
        );
      });
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(get().replace('Host: a', 'Host: a\r\nConnection: close'));

    const { text } = await client.ended();

    expect(text.split('\r\n')[0]).toBe(`HTTP/1.1 200 ${got}`);
    expect(text).toMatch(/fine$/);
  });

  it.each([
    [204, {}],
    [304, { ETag: '"x"' }],
  ])('answers with %d without a body and keeps both connections', async (status, headers) => {
    await using service = await startService((_request, response) =>
      response.writeHead(status, headers).end(),
    );
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(get());
    await client.until(/\r\n\r\n$/);
    client.write(get().replace('Host: a', 'Host: a\r\nConnection: close'));

    const { statuses, text } = await client.ended();

    expect(statuses).toEqual([status, status]);
    expect(text).toMatch(/\r\n\r\n$/);
    expect(service.accepted()).toBe(1);
  });

  it('serves an HTTP/1.0 client without chunks and closes its connection', async () => {
    await using service = await startService((_request, response) => {
      response.write('in ');
      response.end('pieces');
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(get().replace('HTTP/1.1', 'HTTP/1.0'));

    const { text } = await client.ended();

    expect(text).toMatch(/\r\n\r\nin pieces$/);
    expect(text).not.toMatch(/chunked/i);
  });
});
