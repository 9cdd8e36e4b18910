import { freePort } from '../support/free-port.mjs';
import { bearer, startGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { exchangeRaw } from '../support/raw-client.js';
import { startService } from '../support/service.js';
import { rawHandshake } from '../support/websocket.js';

/** The value of each series of an upstream's circuit, by state. */
function circuitStatesOf(upstream: string, metrics: string): Record<string, number> {
  const series = new RegExp(
    `^upstream_circuit_state\\{upstream="${upstream}",state="(.*?)",.*\\} (.*)$`,
    'gm',
  );
  return Object.fromEntries([...metrics.matchAll(series)].map(([, state, value]) => [state!, Number(value)]));
}

describe('a service that fails', () => {
  it('is left alone: 503 at once, with the time to come back in; then a few try it, and all is well', async () => {
    const port = await freePort();
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: `http://127.0.0.1:${port}`,
        CIRCUIT_BREAKER_OPEN_MS: '1000',
      },
    });
    const ask = (path = '/v1/messages'): Promise<Response> =>
      fetch(gateway.url + path, { headers: bearer() });
    const statuses: number[] = [];
    while (statuses.at(-1) !== 503) statuses.push((await ask()).status);

    expect(statuses.slice(0, -1).every((status) => status === 502)).toBe(true);
    expect(statuses.length).toBeLessThanOrEqual(21);
    const refused = await ask();
    expect(refused.status).toBe(503);
    expect(refused.headers.get('Retry-After')).toBe('1');
    expect(await refused.json()).toMatchObject({ error: 'Service unavailable', service: 'chat-service' });
    expect(await gateway.logged({ message: 'circuit open' })).toMatchObject({ upstream: 'chat-service' });
    const { details } = (await (await ask('/health/ready')).json()) as { details: Record<string, unknown> };
    expect(details['chat-service']).toMatchObject({ status: 'degraded', circuit: 'open' });
    const metrics = await metricsOf(gateway);
    expect(circuitStatesOf('chat-service', metrics)).toEqual({ closed: 0, open: 1, half_open: 0 });
    expect(circuitStatesOf('auth-service', metrics)).toEqual({ closed: 1, open: 0, half_open: 0 });
    // Of the others nothing is held back.
    expect((await ask('/v1/auth/profile')).status).toBe(502);

    await using service = await startService((_request, response) => response.end('back'), { port });
    while ((await ask()).status !== 200);
    await gateway.logged({ message: 'circuit half-open' });
    while (!gateway.logs.some(({ message }) => message === 'circuit closed')) await ask();
    expect(service.accepted()).toBeGreaterThan(0);
  });
});

describe('a service that no socket reaches', () => {
  it('is left alone too: the handshake gets 503', async () => {
    await using gateway = await startGateway({
      env: { CIRCUIT_BREAKER_OPEN_MS: '60000' },
    });
    const statuses: number[] = [];

    while (statuses.at(-1) !== 503) {
      statuses.push(...(await exchangeRaw(gateway.port, rawHandshake())).statuses);
    }

    expect(statuses.slice(0, -1).every((status) => status === 502)).toBe(true);
    expect(statuses.length).toBeLessThanOrEqual(21);
  });
});
