import type { ServerResponse } from 'node:http';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { exchangeRaw } from '../support/raw-client.js';
import { startService, type PlayedService } from '../support/service.js';
import { echo, openSocket, rawHandshake, startSocketService } from '../support/websocket.js';

const PROFILE = '/v1/auth/profile';
const BEGINS = 'overload begins: new requests are refused';
const ENDS = 'overload ends';

/** A service that answers `?held` when the test says so, and anything else at once. */
interface HoldingService extends PlayedService {
  /** Resolves once so many wait. */
  held(count: number): Promise<void>;
  /** Answers all that wait. */
  release(): void;
}

async function startHoldingService(): Promise<HoldingService> {
  const waiting: ServerResponse[] = [];
  let wanted = Infinity;
  let enough: () => void = () => {};
  const service = await startService((request, response) => {
    if (request.url!.includes('held')) {
      waiting.push(response);
      if (waiting.length >= wanted) enough();
    } else {
      response.end('served');
    }
  });
  return Object.assign(service, {
    held: (count: number) =>
      new Promise<void>((resolve) => {
        [wanted, enough] = [count, resolve];
        if (waiting.length >= count) resolve();
      }),
    release: () => {
      for (const response of waiting.splice(0)) response.end('served late');
    },
  });
}

function ask({ url }: RunningGateway, query = '', headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}${PROFILE}${query}`, { headers: { ...bearer(), ...headers } });
}

/** Begins requests that the service holds, and waits until they are there. */
async function hold(
  gateway: RunningGateway,
  service: HoldingService,
  count: number,
): Promise<Promise<Response>[]> {
  const answers = Array.from({ length: count }, () => ask(gateway, '?held'));
  await service.held(count);
  return answers;
}

/** Lets the event loop turn, but slowly, until it is disposed of. */
function slowDown(turnMs: number): Disposable {
  const timer = setInterval(() => {
    const until = performance.now() + turnMs;
    while (performance.now() < until);
  }, 1);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

describe('more requests in flight than there may be', () => {
  const IN_FLIGHT = 10;
  const env = { MAX_REQUESTS_IN_FLIGHT: String(IN_FLIGHT) };

  it('are refused with 503 and when to come back, while those in flight finish', async () => {
    await using service = await startHoldingService();
    await using gateway = await startGateway({ env: { ...env, AUTH_SERVICE_URL: service.url } });
    const held = await hold(gateway, service, IN_FLIGHT);

    const refused = await ask(gateway);

    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('x-gateway-error')).toBe('OVERLOADED');
    expect(await refused.json()).toEqual({
      error: 'Gateway is overloaded',
      request_id: refused.headers.get('x-request-id'),
    });
    await gateway.logged({ message: 'request', status: 503, error_code: 'OVERLOADED', cause: 'in flight' });
    service.release();
    const texts = await Promise.all(held.map(async (answer) => (await answer).text()));
    expect(texts).toEqual(Array.from({ length: IN_FLIGHT }, () => 'served late'));
    expect(await (await ask(gateway)).text()).toBe('served');
  });

  it('do not keep those from an answer who watch the gateway', async () => {
    await using service = await startHoldingService();
    await using gateway = await startGateway({ env: { ...env, AUTH_SERVICE_URL: service.url } });
    const held = await hold(gateway, service, IN_FLIGHT);
    await ask(gateway);

    for (const path of ['/health', '/health/live', '/health/ready?x', '/metrics']) {
      expect((await fetch(`${gateway.url}${path}`)).status).toBe(200);
    }
    expect((await fetch(`${gateway.url}/health/other`)).status).toBe(503);
    expect(await (await fetch(`${gateway.url}/health/ready`)).json()).toMatchObject({
      status: 'degraded',
      details: { load: { status: 'degraded', message: 'overload: in flight' } },
    });
    const metrics = await metricsOf(gateway);
    expect(metrics).toContain('gateway_saturated{reason="in flight",service="api-gateway"} 1');
    expect(metrics).toContain('gateway_saturated{reason="event loop",service="api-gateway"} 0');
    expect(metrics).toContain('gateway_saturated{reason="memory",service="api-gateway"} 0');
    expect(metrics).toContain('gateway_requests_shed_total{reason="in flight",service="api-gateway"} 2');
    service.release();
    await Promise.all(held);
  });

  it('are two lines in the log: its beginning and, a while after, its end', async () => {
    await using service = await startHoldingService();
    await using gateway = await startGateway({ env: { ...env, AUTH_SERVICE_URL: service.url } });
    const held = await hold(gateway, service, IN_FLIGHT);
    await Promise.all([ask(gateway), ask(gateway), ask(gateway)]);

    service.release();
    await Promise.all(held);
    await gateway.logged({ message: ENDS, reason: 'in flight' });

    const changes = gateway.logs.filter(({ message }) => message === BEGINS || message === ENDS);
    expect(changes.map(({ message }) => message)).toEqual([BEGINS, ENDS]);
    expect(changes[0]).toMatchObject({ level: 'warn', reason: 'in flight', in_flight: IN_FLIGHT + 1 });
    const ready = (await (await fetch(`${gateway.url}/health/ready`)).json()) as { details: object };
    expect(ready.details).toMatchObject({ load: { status: 'up' } });
    expect(await metricsOf(gateway)).toContain(
      'gateway_saturated{reason="in flight",service="api-gateway"} 0',
    );
  });

  it('refuse a new WebSocket too, and leave an open one alone', async () => {
    await using service = await startHoldingService();
    await using chat = await startSocketService(echo);
    await using gateway = await startGateway({
      env: { ...env, AUTH_SERVICE_URL: service.url, CHAT_SERVICE_URL: chat.url },
    });
    await using socket = await openSocket(gateway);
    const held = await hold(gateway, service, IN_FLIGHT);

    const { text, statuses, json } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([503]);
    expect(text).toMatch(/^Retry-After: 1\r$/m);
    expect(text).toMatch(/^X-Gateway-Error: OVERLOADED\r$/m);
    expect(json).toMatchObject({ error: 'Gateway is overloaded' });
    expect(chat.connections).toHaveLength(1);
    socket.send('still here');
    await socket.until(() => socket.messages.includes('still here'));
    service.release();
    await Promise.all(held);
  });

  it('are refused before anybody looks for a token, and so that a page may read it', async () => {
    await using service = await startHoldingService();
    await using gateway = await startGateway({ env: { ...env, AUTH_SERVICE_URL: service.url } });
    const held = await hold(gateway, service, IN_FLIGHT);
    const Origin = 'http://localhost:3000';

    const withoutToken = await ask(gateway, '', { Authorization: '', Origin });
    const ofForeignPage = await ask(gateway, '', { Origin: 'https://evil.example' });

    expect(withoutToken.status).toBe(503);
    expect(withoutToken.headers.get('access-control-allow-origin')).toBe(Origin);
    expect(withoutToken.headers.get('access-control-expose-headers')).toContain(
      'Retry-After, X-Gateway-Error',
    );
    expect(ofForeignPage.status).toBe(403);
    service.release();
    await Promise.all(held);
  });
});

describe('an event loop that is late', () => {
  it('refuses new requests until it is well again, and finishes those in flight', async () => {
    await using service = await startHoldingService();
    await using gateway = await startGateway({
      env: { MAX_EVENT_LOOP_DELAY_MS: '200', AUTH_SERVICE_URL: service.url },
    });
    const [held] = await hold(gateway, service, 1);
    const load = slowDown(300);
    const begins = await gateway.logged({ message: BEGINS, reason: 'event loop' });

    expect(begins.event_loop_ms).toBeGreaterThanOrEqual(200);
    expect((await ask(gateway)).status).toBe(503);
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
    service.release();
    expect(await (await held!).text()).toBe('served late');

    load[Symbol.dispose]();
    await gateway.logged({ message: ENDS, reason: 'event loop' });
    expect((await ask(gateway)).status).toBe(200);
  }, 20_000);
});

describe('memory that is nearly full', () => {
  // More than this every process has.
  const env = { MAX_MEMORY_PERCENT: '1' };

  it('refuses a request while another is in flight, and serves one by itself, so that memory can fall again', async () => {
    await using service = await startHoldingService();
    await using gateway = await startGateway({ env: { ...env, AUTH_SERVICE_URL: service.url } });
    await gateway.logged({ message: BEGINS, reason: 'memory' });

    const [held] = await hold(gateway, service, 1);
    const refused = await ask(gateway);
    service.release();

    expect(refused.status).toBe(503);
    expect(await (await held!).text()).toBe('served late');
    const metrics = await metricsOf(gateway);
    expect(metrics).toContain('gateway_saturated{reason="memory",service="api-gateway"} 1');
    expect(metrics).toContain('gateway_requests_shed_total{reason="memory",service="api-gateway"} 1');
  });

  it('refuses every new WebSocket, which would stay', async () => {
    await using chat = await startSocketService(echo);
    await using gateway = await startGateway({ env: { ...env, CHAT_SERVICE_URL: chat.url } });
    await gateway.logged({ message: BEGINS, reason: 'memory' });

    const { statuses } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([503]);
    expect(chat.connections).toHaveLength(0);
  });
});
