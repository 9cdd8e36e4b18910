import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startBehindNginx } from '../support/behind-nginx.js';
import { bearer } from '../support/gateway.js';
import { describeWithNginx } from '../support/nginx.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService } from '../support/service.js';

const MIB = 1024 * 1024;
const SIZE = 40 * MIB;
const OBJECT = '/v1/storage/objects/a-signed-token';

/** Bytes of which no two runs are alike, and their checksum. */
function* body(): Generator<Buffer> {
  for (let n = 0; n < SIZE / MIB; n++) yield Buffer.alloc(MIB, `part ${n}, `);
}

const expected = (() => {
  const hash = createHash('sha256');
  for (const chunk of body()) hash.update(chunk);
  return hash.digest('hex');
})();

async function checksum(stream: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(stream, hash);
  return hash.digest('hex');
}

describeWithNginx('a large file through nginx', () => {
  it.each([
    ['with a length', { 'Content-Length': SIZE }],
    ['in chunks', {}],
  ])(
    'arrives whole (%s)',
    async (_name, headers) => {
      await using service = await startService((incoming, response) => {
        void checksum(incoming).then((sum) => response.end(sum));
      });
      await using behind = await startBehindNginx({ STORAGE_SERVICE_URL: service.url });

      const outgoing = request({
        host: '127.0.0.1',
        port: behind.port,
        path: OBJECT,
        method: 'PUT',
        headers,
      });
      const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
      await pipeline(Readable.from(body()), outgoing);
      const [response] = await answered;

      expect(response.statusCode).toBe(200);
      expect(await response.setEncoding('latin1').toArray()).toEqual([expected]);
    },
    30_000,
  );

  it('comes back whole, to one who stops reading for a while too', async () => {
    await using service = await startService((_request, response) => {
      response.setHeader('Content-Length', SIZE);
      void pipeline(Readable.from(body()), response);
    });
    await using behind = await startBehindNginx({ STORAGE_SERVICE_URL: service.url });

    const outgoing = request({ host: '127.0.0.1', port: behind.port, path: OBJECT }).end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    // Until the service itself is held back, so that nothing but its buffers can hold the file.
    const [socket] = service.sockets;
    while (socket!.writableLength === 0) await new Promise(setImmediate);

    expect(await checksum(response)).toBe(expected);
  }, 30_000);

  it('is on its way to the service before it has ended', async () => {
    await using service = await startService((incoming, response) => {
      incoming.once('data', () => response.end('begun'));
    });
    await using behind = await startBehindNginx({ STORAGE_SERVICE_URL: service.url });
    await using client = await RawClient.connect(behind.port);

    client.write(
      rawRequest(`PUT ${OBJECT}`, { headers: { 'Content-Length': 1_000 }, body: 'the first part' }),
    );

    expect(await client.until(/begun/)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describeWithNginx('a slow sender behind nginx', () => {
  it('is refused by the minimum rate of the gateway, though each byte comes in time', async () => {
    await using service = await startService((incoming, response) => {
      incoming.resume().on('end', () => response.end('whole'));
    });
    await using behind = await startBehindNginx({
      CHAT_SERVICE_URL: service.url,
      REQUEST_BODY_GRACE_MS: '500',
    });
    await using client = await RawClient.connect(behind.port);
    client.write(rawRequest('POST /v1/messages', { headers: { 'Content-Length': 100_000, ...bearer() } }));

    const trickle = setInterval(() => client.write('a'), 50);
    const text = await client.until(/}/).finally(() => clearInterval(trickle));

    expect(text).toMatch(/^HTTP\/1\.1 408 .*{"error":"Request body too slow"/s);
  });

  it('loses its connection where the headers take too long, though each byte comes in time', async () => {
    await using behind = await startBehindNginx({}, { NGINX_HEADER_TIMEOUT: '1s' });
    await using client = await RawClient.connect(behind.port);
    client.write('GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ');

    const trickle = setInterval(() => client.write('a'), 50);
    const { text } = await client.ended().finally(() => clearInterval(trickle));

    expect(text).toBe('');
    expect((await behind.nginx.logged(() => true)).status).toBe(408);
  });
});
