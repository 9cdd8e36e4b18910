import type { Socket } from 'node:net';
import type { ServerResponse } from 'node:http';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { bodyOf, startRawService, startService } from '../support/service.js';

const PATH = '/v1/messages';
const NOBODY = 'http://127.0.0.1:9';

/** No instance is ever ejected, so that each request meets both. */
const PATIENT = {
  OUTLIER_CONSECUTIVE_FAILURES: '100000',
  HEALTH_CHECK_INTERVAL_MS: '0',
  SHOW_ATTEMPTS: 'on',
};

interface Sent {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

async function send({ url }: RunningGateway, { method = 'GET', body, headers = {} }: Sent = {}) {
  const response = await fetch(url + PATH, {
    method,
    headers: { ...bearer(), ...headers },
    ...(body !== undefined && { body }),
  });
  return {
    status: response.status,
    attempts: response.headers.get('X-Gateway-Attempts'),
    text: await response.text(),
  };
}

/** A service that counts what it was sent, and breaks the connection instead of answering. */
async function startBreaking() {
  const bodies: string[] = [];
  const service = await startService(async (request) => {
    bodies.push(`${request.method} ${await bodyOf(request)}`);
    request.socket.resetAndDestroy();
  });
  return Object.assign(service, { bodies });
}

/** A service that answers with what it was sent. */
function startEchoing() {
  return startService(async (request, response) => {
    response.end(`${request.method} ${await bodyOf(request)}`);
  });
}

describe('a request whose instance is not there', () => {
  it.each<[string, Sent]>([
    ['GET', {}],
    ['POST', { method: 'POST', body: 'once' }],
    ['POST without an end in sight', { method: 'POST', body: 'x'.repeat(500_000) }],
  ])('goes to another, as nothing was sent: %s', async (_name, sent) => {
    await using service = await startEchoing();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: `${NOBODY},${service.url}`, ...PATIENT },
    });

    const seen = new Set<string | null>();
    while (seen.size < 2) {
      const { status, text, attempts } = await send(gateway, sent);
      expect([status, text]).toEqual([200, `${sent.method ?? 'GET'} ${sent.body ?? ''}`]);
      seen.add(attempts);
    }

    expect(seen).toEqual(new Set(['1', '2']));
  });

  it('is tried three times at most', async () => {
    const ports = [9, 10, 11, 12].map((port) => `http://127.0.0.1:${port}`);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: ports.join(), ...PATIENT } });

    expect(await send(gateway)).toMatchObject({ status: 502, attempts: '3' });
    expect(await gateway.logged({ message: 'request', status: 502 })).toMatchObject({
      attempts: 3,
      stage: 'connect',
      stages: { connect: expect.any(Number) as number },
    });
  });

  it('is tried once where there are to be no retries', async () => {
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: `${NOBODY},http://127.0.0.1:10`, ...PATIENT, MAX_RETRIES: '0' },
    });

    expect(await send(gateway)).toMatchObject({ status: 502, attempts: '1' });
  });
});

describe('a request whose instance breaks off', () => {
  it('goes to another where it may happen twice: GET', async () => {
    await using breaking = await startBreaking();
    await using service = await startEchoing();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: `${breaking.url},${service.url}`, ...PATIENT },
    });

    while (breaking.bodies.length < 3)
      expect(await send(gateway)).toMatchObject({ status: 200, text: 'GET ' });
  });

  it.each<[string, Sent]>([
    ['POST', { method: 'POST', body: 'order' }],
    [
      'POST with a key, on a route that does not retry',
      { method: 'POST', body: 'order', headers: { 'Idempotency-Key': 'k' } },
    ],
  ])('is not sent again where it may not: %s', async (_name, sent) => {
    await using breaking = await startBreaking();
    await using other = await startBreaking();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: `${breaking.url},${other.url}`, ...PATIENT },
    });

    expect(await send(gateway, sent)).toMatchObject({ status: 502, attempts: '1' });
    expect([...breaking.bodies, ...other.bodies]).toEqual(['POST order']);
  });
});

@Upstream({
  name: 'order-service',
  instances: ['http://127.0.0.1:9'],
  routes: [{ methods: ['POST'], path: '/v1/orders', retriesKeyed: true }],
})
class OrderUpstream {}

@Module({ providers: [OrderUpstream] })
class OrderModule {}

describe('a POST on a route that retries requests with a key', () => {
  const order = async (
    { url }: RunningGateway,
    body: string,
    headers: Record<string, string>,
  ): Promise<string> => {
    const response = await fetch(`${url}/v1/orders`, {
      method: 'POST',
      headers: { ...bearer(), ...headers },
      body,
    });
    return `${response.status} ${await response.text()}`;
  };

  it('is sent again, whole, where it has one and is small, and not otherwise', async () => {
    await using breaking = await startBreaking();
    await using service = await startEchoing();
    await using gateway = await startGateway({
      modules: [OrderModule],
      env: { ORDER_SERVICE_URL: `${breaking.url},${service.url}`, ...PATIENT },
    });
    const small = 'x'.repeat(64 * 1024);

    while (breaking.bodies.length < 2) {
      expect(await order(gateway, small, { 'Idempotency-Key': 'k' })).toBe(`200 POST ${small}`);
    }
    expect(breaking.bodies).toEqual([`POST ${small}`, `POST ${small}`]);
    for (const [body, headers] of [
      [`${small}x`, { 'Idempotency-Key': 'k' }],
      [small, {}],
    ] as const) {
      const seen = new Set<string>();
      while (seen.size < 2) seen.add((await order(gateway, body, headers)).slice(0, 3));
      expect(seen).toEqual(new Set(['200', '502']));
    }
  });
});

describe('a budget', () => {
  it('lets few of many failures be tried again', async () => {
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: `${NOBODY},http://127.0.0.1:10`, ...PATIENT, CIRCUIT_BREAKER_OPEN_MS: '1' },
    });

    const attempts: number[] = [];
    for (let each = 0; each < 60; each++) attempts.push(Number((await send(gateway)).attempts));

    const retries = attempts.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
    expect(retries).toBeGreaterThan(9);
    // Ten, and a fifth of all.
    expect(retries).toBeLessThanOrEqual(22);
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(
      new RegExp(`upstream_retries_total\\{upstream="chat-service",result="sent",.*\\} ${retries}\\n`),
    );
  });
});

describe('a client that leaves', () => {
  it('ends its request: what fails after it is not tried again', async () => {
    const asked: Socket[] = [];
    const hold = (socket: Socket): void => void socket.once('data', () => asked.push(socket));
    await using one = await startRawService(hold);
    await using two = await startRawService(hold);
    await using gateway = await startGateway({
      // Its end alone says that the client has gone.
      env: { CHAT_SERVICE_URL: `${one.url},${two.url}`, TRUST_PROXY: '127.0.0.1', ...PATIENT },
    });
    const leaving = new AbortController();
    const left = fetch(gateway.url + PATH, { headers: bearer(), signal: leaving.signal }).catch(() => {});
    while (asked.length === 0) await new Promise(setImmediate);

    leaving.abort();
    await left;
    await gateway.logged({ status: 499 });
    asked[0]!.resetAndDestroy();

    const next = fetch(gateway.url + PATH, { headers: bearer() });
    while (asked.length < 2) await new Promise(setImmediate);
    asked[1]!.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    expect((await next).status).toBe(200);
    expect(asked).toHaveLength(2);
  });
});

describe('a request that could be tried again', () => {
  it('is answered where the other instance has no room', async () => {
    const waiting: ServerResponse[] = [];
    await using busy = await startService((_request, response) => waiting.push(response));
    await using breaking = await startBreaking();
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: `${busy.url},${breaking.url}`,
        ...PATIENT,
        UPSTREAM_MAX_CONNECTIONS: '1',
        UPSTREAM_MAX_PENDING: '1',
      },
    });
    const statusOf = async (): Promise<number> => (await send(gateway)).status;
    const isBusy = (): boolean => /upstream_requests_waiting\{.*\} 1\n/.test(metrics);
    const held = [statusOf()];
    let metrics = '';
    while (waiting.length === 0 || !isBusy()) {
      // Some of them break at the other one, and find room here until there is none.
      held.push(statusOf());
      await new Promise(setImmediate);
      metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    }

    // One to the breaking instance, which cannot be tried again; none to the busy one.
    expect(await statusOf()).toBe(502);

    for (let done = 0; done < 2; done++) {
      while (waiting.length <= done) await new Promise(setImmediate);
      waiting[done]!.end('done');
    }
    const statuses = await Promise.all(held);
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
  });
});
