import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Certificates } from '../support/certificates.js';
import { startGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRawService, startSecureRawService } from '../support/service.js';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext';
const PROFILE = '/v1/auth/profile';

/** A service whose answer to the first request of all is this, and to every other `next`. */
function startServiceWithFirst(first: string) {
  let isFirst = true;
  return startRawService((socket) => {
    socket.on('end', () => socket.end());
    socket.on('data', () => {
      socket.write(isFirst ? first : OK);
      isFirst = false;
    });
  });
}

/** The bytes that a client gets for one request with this method, and for a GET behind its response. */
async function bytesOfTwo(first: string, method = 'GET'): Promise<readonly [string, string]> {
  await using service = await startServiceWithFirst(first);
  await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
  await using client = await RawClient.connect(gateway.port);
  client.write(rawRequest(`${method} ${PROFILE}`));
  const head = await client.until(/\r\n\r\n/);
  // The line is written when the exchange is over, so all bytes of the first response came before those of the second.
  await gateway.logged({ message: 'request' });
  client.write(rawRequest(`GET ${PROFILE}`, { headers: { Connection: 'close' } }));
  const { text } = await client.ended();
  const at = text.indexOf('HTTP/1.1 ', head.indexOf('\r\n\r\n'));
  return [text.slice(0, at), text.slice(at)];
}

describe('a response without content', () => {
  it.each([
    ['304 that announces the length of its 200', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    ['304 that announces chunks', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['304 that announces nothing', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'],
    ['204 with content', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello'],
    ['204 with a last chunk', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ])('ends with its head, whatever it announces or sends: %s', async (_what, answer) => {
    const [first, second] = await bytesOfTwo(answer);

    expect(first).toMatch(/^HTTP\/1\.1 [23]04 [^]*\r\n\r\n$/);
    expect(first).not.toMatch(/transfer-encoding/i);
    expect(second).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nnext$/);
  });

  it.each([
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n'],
    ['no length', 'X-Plain: 1\r\n\r\n'],
    ['a length, and sends its content', 'Content-Length: 5\r\n\r\nhello'],
  ])('to HEAD ends with its head where it announces %s', async (_what, rest) => {
    const [first, second] = await bytesOfTwo(`HTTP/1.1 200 OK\r\n${rest}`, 'HEAD');

    expect(first).toMatch(/\r\n\r\n$/);
    expect(second).toMatch(/\r\n\r\nnext$/);
  });
});

describe('a service that answers HEAD as GET', () => {
  it('cannot have its late content taken for the response to another request', async () => {
    const { promise: headed, resolve } = Promise.withResolvers<Socket>();
    await using service = await startRawService((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 42\r\n\r\n');
        resolve(socket);
        // Another request has come meanwhile, over this connection or another one.
        socket.on('data', () => socket.emit('asked'));
        service.sockets.forEach((other) => other !== socket && other.emit('asked'));
      });
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest(`HEAD ${PROFILE}`));
    const socket = await headed;
    await client.until(/\r\n\r\n/);
    await gateway.logged({ message: 'request' });
    await using other = await RawClient.connect(gateway.port);
    const asked = once(socket, 'asked');
    other.write(rawRequest(`GET ${PROFILE}`, { headers: { Connection: 'close' } }));
    await asked;

    if (!socket.destroyed) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret');
    for (const each of service.sockets) if (each !== socket) each.write(OK);
    const { text } = await other.ended();

    expect(text).not.toContain('secret');
    expect(service.accepted()).toBe(2);
  });
});

/** A response of exactly so many bytes, with the path of its request at the beginning of its body. */
function responseOf(path: string, bytes: number): string {
  const length = bytes - 500;
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\nX-Pad: `;
  return `${head}${'p'.repeat(500 - head.length - 4)}\r\n\r\n${path.padEnd(length, '.')}`;
}

describe('bytes behind a response', () => {
  it.each([
    ['a read of 64 KiB', 'http', 64 * 1024],
    ['a record of TLS', 'https', 16 * 1024],
  ])(
    'are no response to the request that waits, though a whole one ends with %s',
    async (_what, scheme, bytes) => {
      const forged = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nFORGED';
      const { promise: isAsked, resolve } = Promise.withResolvers<(text: string) => void>();
      const onConnection = (socket: Socket): void => {
        socket.on('data', (request: Buffer) => {
          const isFirst = request.toString().includes('first');
          if (isFirst) resolve((text) => socket.write(text));
          else socket.write(responseOf('second', bytes));
        });
      };
      await using certificates = await Certificates.create();
      const own = await certificates.authority();
      await using service =
        scheme === 'http'
          ? await startRawService(onConnection)
          : await startSecureRawService(onConnection, own);
      await using gateway = await startGateway({
        env: {
          AUTH_SERVICE_URL: service.url,
          UPSTREAM_MAX_CONNECTIONS: '1',
          ...(scheme === 'https' && { AUTH_SERVICE_TLS_CA_FILE: own.certFile }),
        },
      });
      const close = { headers: { Connection: 'close' } };
      const first = exchangeRaw(gateway.port, rawRequest(`GET ${PROFILE}?first`, close));
      const respond = await isAsked;
      const second = exchangeRaw(gateway.port, rawRequest(`GET ${PROFILE}?second`, close));
      while (!/^upstream_requests_waiting\{.*auth-service.*\} 1$/m.test(await metricsOf(gateway)));

      respond(responseOf('first', bytes) + forged);

      expect((await first).text).toMatch(/\r\n\r\nfirst\.+$/);
      expect((await second).text).toMatch(/\r\n\r\nsecond\.+$/);
    },
  );
});

describe('chunks', () => {
  it.each(['chunked ', ' Chunked  ', '\tchunked'])(
    'are chunks where %j announces them: blanks around a value are not part of it',
    async (coding) => {
      const [first, second] = await bytesOfTwo(
        `HTTP/1.1 200 OK\r\nTransfer-Encoding:${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      );

      expect(first).toMatch(/\r\n\r\n2\r\nok\r\n0\r\n\r\n$/);
      expect(second).toMatch(/next$/);
    },
  );

  it.each([
    ['a no-break space behind it', 'chunked\xa0'],
    ['a tab behind it, which the parser does not skip', 'chunked\t'],
    ['another coding behind it', 'chunked, x'],
  ])('are none where their coding has %s', async (_what, coding) => {
    const [first] = await bytesOfTwo(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    );

    expect(first).toMatch(/^HTTP\/1\.1 502 /);
  });

  it.each([
    ['a control byte in a trailer', '2\r\nok\r\n0\r\nX-T: a\x01b\r\n\r\n'],
    ['a trailer name that is none', '2\r\nok\r\n0\r\nX(T): a\r\n\r\n'],
    ['trailers past the limit of headers', `2\r\nok\r\n0\r\nX-T: ${'a'.repeat(20_000)}\r\n\r\n`],
    ['a chunk longer than its size', '2\r\nokay\r\n0\r\n\r\n'],
    ['a size past 64 bits', '2\r\nok\r\nfffffffffffffffff\r\n'],
    ['bare LF', '2\nok\n0\n\n'],
  ])('with %s break the client off, which does not wait for their end', async (_what, chunks) => {
    const { promise: begun, resolve } = Promise.withResolvers<Socket>();
    await using service = await startRawService((socket) => {
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n';
      socket.once('data', () => socket.write(head, () => resolve(socket)));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest(`GET ${PROFILE}`));
    await client.until(/begun/);
    (await begun).write(Buffer.from(chunks, 'latin1'));

    const { text } = await client.ended();

    expect(text).not.toMatch(/0\r\n\r\n$/);
    expect(await gateway.logged({ message: 'request' })).toMatchObject({
      status: 502,
      error_code: 'UPSTREAM_INVALID_RESPONSE',
    });
  });
});
