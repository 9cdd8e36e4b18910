import { once } from 'node:events';
import { bearer, startGateway } from './support/gateway.js';
import { RawClient } from './support/raw-client.js';
import { bodyOf, startRawService, startService } from './support/service.js';

const post = (headers: string, body = '', path = '/v1/auth/login'): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n${body}`;

describe('the body limit', () => {
  it('refuses a known length before the service hears of it, and the connection serves on', async () => {
    await using service = await startService((_request, response) => response.end('fine'));
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, BODY_LIMIT_BYTES: '10' },
    });
    await using client = await RawClient.connect(gateway.port);

    client.write(post('Content-Length: 11', 'elevenbytes'));
    await client.until(/limit_bytes":10.*\}/);
    expect(service.accepted()).toBe(0);
    client.write(post('Content-Length: 3\r\nConnection: close', 'abc'));
    const { statuses, text } = await client.ended();

    expect(statuses).toEqual([413, 200]);
    expect(text).toContain('"error":"Request body too large"');
  });

  it('cuts a chunked body that grows past it, at the service too', async () => {
    const { promise: broken, resolve } = Promise.withResolvers<void>();
    await using service = await startService((request) => {
      request.resume();
      request.once('error', () => resolve());
    });
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, BODY_LIMIT_BYTES: '10' },
    });
    await using client = await RawClient.connect(gateway.port);
    client.write(post('Transfer-Encoding: chunked', '5\r\nfirst\r\n'));
    await once(service.server, 'request');

    client.write('6\r\nsecond\r\n');

    expect(await client.until(/too large/)).toMatch(/^HTTP\/1\.1 413/);
    await broken;
    expect(await gateway.logged({ status: 413 })).toMatchObject({
      error_code: 'BODY_TOO_LARGE',
      stage: 'request_body',
    });
  });

  it("is the route's own where it has one", async () => {
    await using service = await startService((request, response) => {
      void bodyOf(request).then((body) => response.end(String(body.length)));
    });
    await using gateway = await startGateway({
      env: { STORAGE_SERVICE_URL: service.url, BODY_LIMIT_BYTES: '10' },
    });

    const response = await fetch(`${gateway.url}/v1/storage/objects/x`, {
      method: 'PUT',
      body: 'x'.repeat(5000),
    });

    expect(await response.text()).toBe('5000');
  });

  it('answers an upload whose sender never stops, and ends its connection', async () => {
    await using service = await startService((request) => void request.resume());
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, BODY_LIMIT_BYTES: '10' },
    });
    await using client = await RawClient.connect(gateway.port);
    client.write(post('Transfer-Encoding: chunked'));
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const send = (): void => {
      while (!client.socket.destroyed && client.socket.write(chunk));
    };
    client.socket.on('drain', send);
    send();

    const { text } = await client.ended();

    // A reset may take the answer with it; what came of one is the one answer.
    expect(text).toMatch(/^$|^HTTP\/1\.1 413 /);
    await gateway.logged({ message: 'request', status: 413, error_code: 'BODY_TOO_LARGE' });
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });
});

describe('the minimum rate', () => {
  const SLOW = { BODY_GRACE_MS: '300', BODY_MINIMUM_RATE_BYTES: '1000' };

  it('cuts a body that trickles', async () => {
    await using service = await startService((request) => void request.resume());
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...SLOW } });
    await using client = await RawClient.connect(gateway.port);
    client.write(post('Content-Length: 1000', 'a'));

    const answer = await client.until(/too slow/);

    expect(answer).toMatch(/^HTTP\/1\.1 408/);
    expect(await gateway.logged({ status: 408 })).toMatchObject({ error_code: 'BODY_TOO_SLOW' });
  });

  it('does not count the time in which the service holds the sender back', async () => {
    const size = 8 * 1024 * 1024;
    let received = 0;
    let answered = false;
    await using service = await startRawService((socket) => {
      socket.pause();
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received < size || answered) return;
        answered = true;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine');
      });
      // Four periods of grace, in which nothing moves.
      setTimeout(() => socket.resume(), 1200);
    });
    await using gateway = await startGateway({ env: { STORAGE_SERVICE_URL: service.url, ...SLOW } });

    const response = await fetch(`${gateway.url}/v1/storage/objects/x`, {
      method: 'PUT',
      body: Buffer.alloc(size),
    });

    expect(await response.text()).toBe('fine');
  });
});

describe('a body that nobody wants', () => {
  it('does not get in the way of the next request on its connection', async () => {
    await using service = await startService((_request, response) => response.end('fine'));
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(post('Content-Length: 5', 'no to', '/v1/users/me/email'));
    client.write(
      `GET /v1/auth/profile HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: ${bearer().Authorization}\r\n\r\n`,
    );
    const { statuses } = await client.ended();

    expect(statuses).toEqual([401, 200]);
  });

  it("lets the service's early answer through while the upload is still coming", async () => {
    await using service = await startService((request, response) => {
      request.once('data', () => response.writeHead(422).end('enough'));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(post('Content-Length: 10', 'first'));

    await client.until(/^HTTP\/1\.1 422.*enough/s);
    client.write('later');
    client.write('GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const { statuses } = await client.ended();

    expect(statuses).toEqual([422, 200]);
  });
});
