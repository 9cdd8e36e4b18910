import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { bodyOf, startRawService, startService } from '../support/service.js';
import { SHORT_TIMEOUTS } from '../support/timeouts.js';

const EXPECTING = { 'Content-Length': 4, Expect: '100-continue' };

async function startEcho() {
  const expectations: (string | undefined)[] = [];
  const service = await startService((request, response) => {
    expectations.push(request.headers.expect);
    void bodyOf(request).then((body) => response.end(`got ${body}`));
  });
  // Node would answer an Expect by itself; here it must not arrive at all.
  service.server.on('checkContinue', (request, response) => {
    expectations.push(request.headers.expect);
    response.writeHead(500).end();
  });
  return Object.assign(service, { expectations });
}

describe('Expect: 100-continue', () => {
  it('is answered by the gateway once the gates let the request pass, and the service never sees it', async () => {
    await using service = await startEcho();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawRequest('POST /v1/messages', { headers: EXPECTING }));
    expect(await client.until(/\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.write('body');
    await client.until(/got body/);

    expect(service.expectations).toEqual([undefined]);
  });

  it('keeps the connection for the next request', async () => {
    await using service = await startEcho();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('POST /v1/messages', { headers: EXPECTING }));
    await client.until(/100 Continue/);
    client.write('one.');
    await client.until(/got one\./);

    client.write(rawRequest('POST /v1/messages', { headers: { ...EXPECTING, Connection: 'close' } }));
    await client.until(/100 Continue[^]*100 Continue/);
    client.write('two.');

    expect((await client.ended()).statuses).toEqual([100, 200, 100, 200]);
  });

  it('is no obstacle to a client that sends its body at once', async () => {
    await using service = await startEcho();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { text, statuses } = await exchangeRaw(
      gateway.port,
      rawRequest('POST /v1/messages', { headers: { ...EXPECTING, Connection: 'close' }, body: 'body' }),
    );

    expect(statuses.at(-1)).toBe(200);
    expect(text).toMatch(/got body/);
  });

  it.each([
    ['without a token', 'POST /v1/messages', { Authorization: '' }, 401],
    ['with too large a body', 'POST /v1/messages', { 'Content-Length': 2000 }, 413],
    ['with another method', 'DELETE /v1/messages', {}, 405],
    ['from a foreign page', 'POST /v1/messages', { Origin: 'https://evil.example' }, 403],
    ['with an ambiguous path', 'POST /v1/x/../messages', {}, 400],
  ])(
    'gets no 100 %s: the refusal comes at once and ends the connection',
    async (_name, target, headers, status) => {
      await using service = await startEcho();
      const env = { CHAT_SERVICE_URL: service.url, MAX_REQUEST_BODY_BYTES: '1000' };
      await using gateway = await startGateway({ env });

      const { text, statuses } = await exchangeRaw(
        gateway.port,
        rawRequest(target, { headers: { ...EXPECTING, ...headers } }),
      );

      expect(statuses).toEqual([status]);
      expect(text).toMatch(/^Connection: close\r$/m);
      expect(service.accepted()).toBe(0);
    },
  );

  it('is ignored in HTTP/1.0, which knows no 100', async () => {
    await using service = await startEcho();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { statuses, text } = await exchangeRaw(
      gateway.port,
      rawRequest('POST /v1/messages', { version: '1.0', headers: EXPECTING, body: 'body' }),
    );

    expect(statuses).toEqual([200]);
    expect(text).toMatch(/got body/);
    expect(service.expectations).toEqual([undefined]);
  });
});

@Upstream({
  name: 'upload-service',
  instances: ['http://127.0.0.1:9'],
  routes: [{ methods: ['POST'], path: '/v1/upload', expectContinue: 'upstream' }],
})
class UploadUpstream {}

@Module({ providers: [UploadUpstream] })
class UploadModule {}

/** A gateway whose service responds to expectations itself. */
const startUploads = (url: string, env: Record<string, string> = {}): Promise<RunningGateway> =>
  startGateway({ env: { UPLOAD_SERVICE_URL: url, ...env }, modules: [UploadModule] });

const UPLOAD = rawRequest('POST /v1/upload', { headers: { ...EXPECTING, Connection: 'close' } });

describe('Expect: 100-continue on a route that passes it on', () => {
  it('is answered by the service, before a byte of the body is sent', async () => {
    const heads: string[] = [];
    await using service = await startRawService((socket) => {
      socket.once('data', (head: Buffer) => {
        heads.push(head.toString('latin1'));
        socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        socket.once('data', (body: Buffer) => {
          heads.push(body.toString('latin1'));
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        });
      });
    });
    await using gateway = await startUploads(service.url);
    await using client = await RawClient.connect(gateway.port);

    client.write(UPLOAD);
    await client.until(/100 Continue\r\n\r\n$/);
    client.write('body');

    expect((await client.ended()).statuses).toEqual([100, 200]);
    expect(heads[0]).toMatch(/\r\nExpect: 100-continue\r\n[^]*\r\n\r\n$/);
    expect(heads[1]).toBe('body');
  });

  it('is refused by the service without the body, and the client gets that response', async () => {
    await using service = await startRawService((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 413 Payload Too Large\r\nContent-Length: 5\r\n\r\nlarge'),
      );
    });
    await using gateway = await startUploads(service.url);

    const { statuses, text } = await exchangeRaw(gateway.port, UPLOAD);

    expect(statuses).toEqual([413]);
    expect(text).toMatch(/large$/);
  });

  it('does not hold a client back that sends its body at once', async () => {
    await using service = await startEcho();
    service.server.removeAllListeners('checkContinue');
    await using gateway = await startUploads(service.url);

    const { statuses, text } = await exchangeRaw(gateway.port, `${UPLOAD}body`);

    expect(statuses.at(-1)).toBe(200);
    expect(text).toMatch(/got body/);
  });

  it('ends with 504 if the service says nothing', async () => {
    await using service = await startRawService((socket) => socket.resume());
    await using gateway = await startUploads(service.url, SHORT_TIMEOUTS);

    const { statuses } = await exchangeRaw(gateway.port, UPLOAD);

    expect(statuses).toEqual([504]);
    expect(await gateway.logged({ status: 504 })).toMatchObject({ stage: 'request_body' });
  });
});

describe('another expectation', () => {
  it('is one JSON 417, and the service is not reached', async () => {
    await using service = await startEcho();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { statuses, text, json } = await exchangeRaw(
      gateway.port,
      rawRequest('POST /v1/messages', { headers: { 'Content-Length': 4, Expect: 'something-else' } }),
    );

    expect(statuses).toEqual([417]);
    expect(text).toMatch(/^Connection: close\r$/m);
    expect(json).toEqual({ error: 'Expectation not supported', request_id: expect.any(String) });
    expect(await gateway.logged({ request_id: json!.request_id })).toMatchObject({
      status: 417,
      error_code: 'EXPECTATION_FAILED',
    });
    expect(service.accepted()).toBe(0);
  });
});
