import { SHORT_TIMEOUTS } from '../support/timeouts.js';
import { startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRawService, startService } from '../support/service.js';

const OK = 'HTTP/1.1 200 OK\r\n';
const LENGTH = `${OK}Content-Length: 100\r\n\r\npart`;
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n`;
const UNFRAMED = `${OK}Connection: close\r\n\r\npart`;
const PROFILE = 'GET /v1/auth/profile';

/** Sends the head and part of the body; `breakOff` does the rest once the client has that part. */
async function startBreakingService(part: string) {
  const { promise: connection, resolve } = Promise.withResolvers<import('node:net').Socket>();
  const service = await startRawService((socket) => {
    socket.once('data', () => {
      socket.write(part);
      resolve(socket);
    });
  });
  return Object.assign(service, { connection });
}

describe('a service that breaks in the middle of a body', () => {
  it.each([
    ['resets, with a length', LENGTH, '1.1', 'reset'],
    ['ends, with a length', LENGTH, '1.1', 'end'],
    ['resets, chunked', CHUNKED, '1.1', 'reset'],
    ['ends, chunked', CHUNKED, '1.1', 'end'],
    ['sends a chunk that is none', CHUNKED, '1.1', 'garbage'],
    ['resets, framed by the end alone', UNFRAMED, '1.1', 'reset'],
    ['resets, with a length, for HTTP/1.0', LENGTH, '1.0', 'reset'],
    ['ends, with a length, for HTTP/1.0', LENGTH, '1.0', 'end'],
    ['resets, chunked, for HTTP/1.0', CHUNKED, '1.0', 'reset'],
    ['ends, chunked, for HTTP/1.0', CHUNKED, '1.0', 'end'],
    ['resets, framed by the end alone, for HTTP/1.0', UNFRAMED, '1.0', 'reset'],
  ] as const)('(%s) breaks the client off, never a clean end', async (_name, part, version, end) => {
    await using service = await startBreakingService(part);
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest(PROFILE, { version }));
    await client.until(/part/);

    const socket = await service.connection;
    if (end === 'reset') socket.resetAndDestroy();
    else socket.end(end === 'garbage' ? 'zz\r\n' : '');
    const { text, statuses, reset } = await client.ended();

    expect(statuses).toEqual([200]);
    expect(isBroken(text, reset)).toBe(true);
    expect(text).not.toMatch(/"error"/);
    const line = await gateway.logged({ message: 'request' });
    expect(line).toMatchObject({ status: 502, stage: 'response_body', cause: expect.any(String) });
    expect(line.error_code).toBe(end === 'garbage' ? 'UPSTREAM_INVALID_RESPONSE' : 'UPSTREAM_DISCONNECTED');
  });

  it('whose body has no frame but its end passes that end on as one', async () => {
    await using service = await startBreakingService(UNFRAMED);
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest(PROFILE, { headers: { Connection: 'close' } }));
    await client.until(/part/);

    (await service.connection).end();
    const { text, reset } = await client.ended();

    expect(reset).toBe(false);
    expect(text).toMatch(/\r\n0\r\n\r\n$/);
  });
});

describe('a body that stops', () => {
  it('is broken off when it idles too long, while an event stream idles on', async () => {
    await using service = await startService((request, response) => {
      if (request.url === '/v1/users/me/friends') response.setHeader('Content-Type', 'text/event-stream');
      response.write('data: first\n\n');
      response.on('resume-stream', () => response.end('data: last\n\n'));
      if (request.url === '/v1/users/me/friends')
        service.server.once('go on', () => response.emit('resume-stream'));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...SHORT_TIMEOUTS } });
    await using events = await RawClient.connect(gateway.port);
    events.write(rawRequest('GET /v1/users/me/friends', { headers: { Connection: 'close' } }));
    await events.until(/first/);
    await using body = await RawClient.connect(gateway.port);
    body.write(rawRequest(PROFILE));

    // It began after the event stream, so that stream has idled longer when this one is cut.
    const cut = await body.ended();
    service.server.emit('go on');
    const streamed = await events.ended();

    expect(cut.text).toMatch(/data: first\n\n\r\n$/);
    const line = await gateway.logged({ path: '/v1/auth/profile' });
    expect(line).toMatchObject({ status: 504, error_code: 'UPSTREAM_TIMEOUT', stage: 'response_body' });
    expect(streamed.text).toMatch(/data: last\n\n\r\n0\r\n\r\n$/);
    expect(await gateway.logged({ path: '/v1/users/me/friends' })).toMatchObject({ status: 200 });
  });

  it('is broken off in an event stream by the clock of event streams', async () => {
    await using service = await startService((_request, response) => {
      response.setHeader('Content-Type', 'text/event-stream');
      response.write('data: first\n\n');
    });
    const env = { AUTH_SERVICE_URL: service.url, ...SHORT_TIMEOUTS, EVENT_STREAM_IDLE_TIMEOUT_MS: '1001' };
    await using gateway = await startGateway({ env });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest(PROFILE));

    const { text } = await client.ended();

    expect(text).toMatch(/data: first\n\n\r\n$/);
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ error_code: 'UPSTREAM_TIMEOUT' });
  });
});

/** Whether a client could tell that this was not the whole: a reset, or less than the frame announced. */
function isBroken(text: string, reset: boolean): boolean {
  if (reset) return true;
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  if (length !== undefined) return body.length < Number(length);
  return /^transfer-encoding: chunked/im.test(head) && !text.endsWith('0\r\n\r\n');
}
