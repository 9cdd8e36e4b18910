import { bearer, startGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { freePort, startService } from '../support/service.js';
import { rawHandshake } from '../support/websocket.js';

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
    expect(await (await ask('/metrics')).text()).toMatch(
      /upstream_circuit_open\{upstream="chat-service",.*\} 1\n/,
    );
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
