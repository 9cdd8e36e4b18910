import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { bearer, startGateway } from '../support/gateway.js';
import { SHORT_TIMEOUTS } from '../support/timeouts.js';
import { RawClient } from '../support/raw-client.js';
import { bodyOf, startRawService, startService } from '../support/service.js';

/** A minimum rate whose grace is short. */
const SLOW = { REQUEST_BODY_GRACE_MS: '300', MIN_REQUEST_BODY_RATE_BYTES: '1000' };

const post = (headers: string, body = '', path = '/v1/keys/upload'): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer().Authorization}\r\n${headers}\r\n\r\n${body}`;

describe('the body limit', () => {
  it.concurrent(
    'refuses a known length before the service hears of it, and the connection serves on',
    async () => {
      await using service = await startService((_request, response) => response.end('fine'));
      await using gateway = await startGateway({
        env: { AUTH_SERVICE_URL: service.url, MAX_REQUEST_BODY_BYTES: '10' },
      });
      await using client = await RawClient.connect(gateway.port);

      client.write(post('Content-Length: 11', 'elevenbytes'));
      await client.until(/limit_bytes":10.*\}/);
      expect(service.accepted()).toBe(0);
      client.write(post('Content-Length: 3\r\nConnection: close', 'abc'));
      const { statuses, text } = await client.ended();

      expect(statuses).toEqual([413, 200]);
      expect(text).toContain('"error":"Request body too large"');
    },
  );

  it.concurrent('cuts a chunked body that grows past it, at the service too', async () => {
    const { promise: broken, resolve } = Promise.withResolvers<void>();
    await using service = await startService((request) => {
      request.resume();
      request.once('error', () => resolve());
    });
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, MAX_REQUEST_BODY_BYTES: '10' },
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

  it.concurrent("is the route's own where it has one", async () => {
    await using service = await startService((request, response) => {
      void bodyOf(request).then((body) => response.end(String(body.length)));
    });
    await using gateway = await startGateway({
      env: { STORAGE_SERVICE_URL: service.url, MAX_REQUEST_BODY_BYTES: '10' },
    });

    const response = await fetch(`${gateway.url}/v1/storage/objects/x`, {
      method: 'PUT',
      body: 'x'.repeat(5000),
    });

    expect(await response.text()).toBe('5000');
  });

  it.concurrent('answers an upload whose sender never stops, and ends its connection', async () => {
    await using service = await startService((request) => void request.resume());
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, MAX_REQUEST_BODY_BYTES: '10' },
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
  it.concurrent('cuts a body that trickles', async () => {
    await using service = await startService((request) => void request.resume());
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...SLOW } });
    await using client = await RawClient.connect(gateway.port);
    client.write(post('Content-Length: 1000', 'a'));

    const answer = await client.until(/too slow/);

    expect(answer).toMatch(/^HTTP\/1\.1 408/);
    expect(await gateway.logged({ status: 408 })).toMatchObject({ error_code: 'BODY_TOO_SLOW' });
  });

  it.concurrent('does not count the time in which the service holds the sender back', async () => {
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

describe('a body whose service has begun its answer', () => {
  it.concurrent('is not cut while it comes, though the answer stands still', async () => {
    const { promise: whole, resolve } = Promise.withResolvers<void>();
    await using service = await startService((request, response) => {
      response.write('early');
      void bodyOf(request).then(
        (body) => response.end(String(body.length)),
        () => {},
      );
      resolve();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...SHORT_TIMEOUTS } });
    await using client = await RawClient.connect(gateway.port);
    client.write(post('Content-Length: 20\r\nConnection: close', 'x'));
    await whole;
    // Longer in all than the idle time, and never idle.
    for (let sent = 1; sent < 20; sent++) {
      await delay(100);
      client.write('x');
    }

    expect((await client.ended()).text).toMatch(/20\r\n0\r\n\r\n$/);
  });

  it.concurrent('does not set the clocks of an answer that is still awaited with its end', async () => {
    await using service = await startService((request, response) => {
      response.write('early');
      request.resume().once('end', () => {
        let left = 20;
        const more = setInterval(() => {
          response.write('more');
          if (--left > 0) return;
          clearInterval(more);
          response.end('the end');
        }, 100);
      });
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...SHORT_TIMEOUTS } });
    await using client = await RawClient.connect(gateway.port);
    client.write(post('Content-Length: 2\r\nConnection: close', 'x'));
    await client.until(/early/);

    client.write('x');

    // Longer in all than the deadline.
    expect((await client.ended()).text).toMatch(/the end\r\n0\r\n\r\n$/);
  });

  it.concurrent('is cut where it trickles, though the answer goes on', async () => {
    await using service = await startService((request, response) => {
      request.on('error', () => {});
      const more = setInterval(() => response.write('more'), 50);
      response.once('close', () => clearInterval(more));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...SLOW } });
    await using client = await RawClient.connect(gateway.port);
    client.write(post('Content-Length: 100000', 'x'));

    await client.ended();

    expect(await gateway.logged({ status: 408 })).toMatchObject({ error_code: 'BODY_TOO_SLOW' });
  });
});

describe('a body that nobody wants', () => {
  it.concurrent('does not get in the way of the next request on its connection', async () => {
    await using service = await startService((_request, response) => response.end('fine'));
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write('POST /v1/users/me/email HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nno to');
    client.write(
      `GET /v1/auth/profile HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: ${bearer().Authorization}\r\n\r\n`,
    );
    const { statuses } = await client.ended();

    expect(statuses).toEqual([401, 200]);
  });

  it.concurrent(
    'does not take the answer away from a client that writes before it reads, on a connection that ends',
    async () => {
      await using gateway = await startGateway();
      const body = Buffer.alloc(600_000);

      for (const [path, status] of [
        ['/v1/auth/login', 413],
        ['/nowhere', 404],
      ] as const) {
        const request = httpRequest(`${gateway.url}${path}`, {
          method: 'POST',
          agent: false,
          headers: { Connection: 'close', 'Content-Length': body.length },
        });
        request.end(body);
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        response.resume();
        await once(response, 'end');

        expect(response.statusCode).toBe(status);
      }
    },
  );

  it.concurrent("lets the service's early answer through while the upload is still coming", async () => {
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
