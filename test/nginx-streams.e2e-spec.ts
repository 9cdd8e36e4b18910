import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { startBehindNginx } from './support/behind-nginx.js';
import { bearer } from './support/gateway.js';
import { describeWithNginx } from './support/nginx.js';
import { RawClient } from './support/raw-client.js';
import { startService } from './support/service.js';

const MIB = 1024 * 1024;
const OBJECT = '/v1/storage/objects/a.put-1.b';

describeWithNginx('through nginx', () => {
  it('each event of a stream comes at once', async () => {
    const streams: ServerResponse[] = [];
    await using service = await startService((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
      streams.push(response);
    });
    await using system = await startBehindNginx({ AUTH_SERVICE_URL: service.url });
    await using client = await RawClient.connect(system.port);
    client.write(
      `GET /v1/auth/profile HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nAuthorization: ${bearer().Authorization}\r\n\r\n`,
    );

    await client.until(/text\/event-stream/);
    for (const word of ['one', 'two', 'three']) {
      streams[0]!.write(`data: ${word}\n\n`);
      await client.until(new RegExp(`data: ${word}\n\n`));
    }
    expect(streams).toHaveLength(1);
  });

  it('an upload and a download pass whole, and the first bytes before the last', async () => {
    const hash = createHash('sha256');
    const bytes = randomBytes(20 * MIB);
    const begun = Promise.withResolvers<void>();
    await using service = await startService((request, response) => {
      if (request.method === 'GET') response.end(bytes);
      request.on('data', (chunk: Buffer) => {
        begun.resolve();
        hash.update(chunk);
      });
      if (request.method === 'PUT') request.on('end', () => response.end(hash.digest('hex')));
    });
    await using system = await startBehindNginx({ STORAGE_SERVICE_URL: service.url });
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(bytes.subarray(0, MIB));
        // nginx keeps nothing back.
        await begun.promise;
        controller.enqueue(bytes.subarray(MIB));
        controller.close();
      },
    });

    const uploaded = await fetch(system.url + OBJECT, { method: 'PUT', body, duplex: 'half' });
    expect(await uploaded.text()).toBe(createHash('sha256').update(bytes).digest('hex'));
    const downloaded = await fetch(system.url + OBJECT);
    expect(Buffer.from(await downloaded.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('a body that trickles is refused by the gateway, which sees each byte', async () => {
    await using service = await startService((request, response) => {
      request.resume().on('end', () => response.end());
    });
    await using system = await startBehindNginx({ CHAT_SERVICE_URL: service.url, BODY_GRACE_MS: '500' });
    await using client = await RawClient.connect(system.port);
    client.write(
      `POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer().Authorization}\r\nContent-Length: 10000\r\n\r\n`,
    );
    const trickle = setInterval(() => client.write('a'), 50);

    await client.until(/\r\n\r\n.*\}/s);
    clearInterval(trickle);
    expect(client.text).toMatch(/^HTTP\/1\.1 408 /);
    expect(client.text).toContain('{"error":"Request body too slow"');
  });

  it('a POST is sent on where the first gateway is gone, and is sent once', async () => {
    let served = 0;
    await using service = await startService((request, response) => {
      request.resume().on('end', () => response.end(String(++served)));
    });
    await using system = await startBehindNginx({ CHAT_SERVICE_URL: service.url });
    await system.first.app.close();
    const statuses: number[] = [];
    for (let each = 0; each < 10; each++) {
      const response = await fetch(`${system.url}/v1/messages`, {
        method: 'POST',
        headers: bearer(),
        body: 'hello',
      });
      statuses.push(response.status);
      await response.arrayBuffer();
    }

    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
    expect(served).toBe(10);
  });

  it('TLS speaks HTTP/2, and tells the gateway so', async () => {
    let proto: unknown;
    await using service = await startService(({ headers }, response) => {
      proto = headers['x-forwarded-proto'];
      response.end('hello');
    });
    await using system = await startBehindNginx(
      { AUTH_SERVICE_URL: service.url },
      { NGINX_HSTS: 'max-age=60' },
    );
    const { connect } = await import('node:http2');
    // Self-signed, as `scripts/make-secrets` makes it.
    const session = connect(`https://127.0.0.1:${system.nginx.tlsPort}`, { rejectUnauthorized: false });
    const stream = session.request({ ':path': '/v1/auth/profile', authorization: bearer().Authorization });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    stream.resume();
    await once(stream, 'end');
    session.close();

    expect(headers).toMatchObject({ ':status': 200, 'strict-transport-security': 'max-age=60' });
    expect(proto).toBe('https');
    const plain = await fetch(`${system.url}/health`);
    expect(plain.headers.get('strict-transport-security')).toBeNull();
  });
});
