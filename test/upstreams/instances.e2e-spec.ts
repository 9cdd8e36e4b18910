import type { RequestListener } from 'node:http';
import { freePort } from '../support/free-port.mjs';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';
import { CHAT, openSocket, startSocketService } from '../support/websocket.js';

const PATH = '/v1/messages';

async function ask({ url }: RunningGateway, path = PATH): Promise<string> {
  const response = await fetch(url + path, { headers: bearer() });
  return `${response.status} ${await response.text()}`;
}

const answer =
  (text: string): RequestListener =>
  (_request, response) =>
    response.end(text);

/** Two failures or failed checks eject an instance, for a moment. */
const QUICK = {
  OUTLIER_CONSECUTIVE_FAILURES: '2',
  OUTLIER_EJECTION_MS: '200',
  SLOW_START_MS: '0',
};

describe('an instance of two', () => {
  it('that refuses costs no client anything, is ejected, and comes back', async () => {
    const port = await freePort();
    await using one = await startService(answer('one'));
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: `${one.url},http://127.0.0.1:${port}`, ...QUICK },
    });
    const other = `http://127.0.0.1:${port}`;

    const answers = new Set<string>();
    const isEjected = (): boolean => gateway.logs.some(({ message }) => message === 'instance ejected');
    while (!isEjected()) answers.add(await ask(gateway));
    for (let each = 0; each < 20; each++) answers.add(await ask(gateway));

    expect([...answers]).toEqual(['200 one']);
    expect(await gateway.logged({ message: 'instance ejected' })).toMatchObject({
      level: 'warn',
      upstream: 'chat-service',
      instance: other,
      reason: 'connect',
    });
    await using two = await startService(answer('two'), { port });
    await gateway.logged({ message: 'instance up', instance: other });
    while ((await ask(gateway)) !== '200 two');
    expect(two.accepted()).toBeGreaterThan(0);
  });

  it('that answers 503 is bypassed, and no client gets its answer', async () => {
    await using one = await startService(answer('one'));
    await using two = await startService((_request, response) => response.writeHead(503).end('busy'));
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: `${one.url},${two.url}`, ...QUICK },
    });

    const answers = new Set<string>();
    while (two.accepted() === 0) answers.add(await ask(gateway));
    for (let each = 0; each < 20; each++) answers.add(await ask(gateway));

    expect([...answers]).toEqual(['200 one']);
    expect(await gateway.logged({ message: 'instance ejected' })).toMatchObject({ reason: 'status' });
  });

  it('that is silent loses the requests that may be retried to the other, once its checks fail', async () => {
    let isSilent = false;
    await using one = await startService(answer('one'));
    await using two = await startService((_request, response) => {
      if (!isSilent) response.end('two');
    });
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: `${one.url},${two.url}`,
        ...QUICK,
        HEALTH_CHECK_INTERVAL_MS: '100',
        HEALTH_CHECK_TIMEOUT_MS: '100',
      },
    });
    isSilent = true;

    // Each ends, long before the 30 s that a service may take.
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(gateway)));

    expect(new Set(answers)).toEqual(new Set(['200 one']));
    expect(await gateway.logged({ message: 'instance down' })).toMatchObject({
      instance: two.url,
      reason: 'check',
    });
  });

  it('that answers slowly gets fewer requests than one that does not', async () => {
    const counts = { slow: 0, quick: 0 };
    const waiting: (() => void)[] = [];
    await using slow = await startService((_request, response) => {
      counts.slow++;
      waiting.push(() => response.end('slow'));
    });
    await using quick = await startService((_request, response) => {
      counts.quick++;
      response.end('quick');
    });
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: `${slow.url},${quick.url}`, ...QUICK },
    });

    const answers = Array.from({ length: 5 }, () => ask(gateway));
    for (let each = 0; each < 50; each++) answers.push(ask(gateway));
    while (counts.quick < 40) await new Promise(setImmediate);
    while (counts.slow + counts.quick < 55) await new Promise(setImmediate);
    for (const end of waiting) end();
    await Promise.all(answers);
  });

  it('that is gone when a socket opens costs the client nothing', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: `http://127.0.0.1:9,${service.url}`, ...QUICK },
    });

    for (let each = 0; each < 5; each++) {
      await using socket = await openSocket(gateway, CHAT);
      expect(socket.socket.readyState).toBe(1);
    }
  });
});

describe('an instance that answers a handshake with 503', () => {
  it('is left for the other one', async () => {
    await using busy = await startService((_request, response) => response.writeHead(503).end());
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: `${busy.url},${service.url}`, ...QUICK },
    });

    for (let each = 0; each < 20; each++) {
      await using socket = await openSocket(gateway, CHAT);
      expect(socket.socket.readyState).toBe(1);
    }
    expect(await gateway.logged({ message: 'instance ejected' })).toMatchObject({
      instance: busy.url,
      reason: 'status',
    });
  });

  it('opens the circuit where it is the only one', async () => {
    let asked = 0;
    await using busy = await startService((_request, response) => {
      asked++;
      response.writeHead(503).end();
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: busy.url, ...QUICK } });

    for (let each = 0; each < 60; each++)
      await expect(openSocket(gateway, CHAT)).rejects.toThrow('refused with 503');

    expect(asked).toBeLessThan(60);
    await gateway.logged({ error_code: 'CIRCUIT_OPEN' });
  });
});

describe('the only instance', () => {
  it('is asked whatever it does, and what it does is shown', async () => {
    await using service = await startService((_request, response) => response.writeHead(503).end('no'));
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, ...QUICK, HEALTH_CHECK_INTERVAL_MS: '50' },
    });
    // Past what ejects one of several, by requests and by checks.
    for (let each = 0; each < 8; each++) expect(await ask(gateway)).toBe('503 no');

    const { details } = (await (await fetch(`${gateway.url}/health/ready`)).json()) as {
      details: Record<string, unknown>;
    };

    expect(details['chat-service']).toMatchObject({ status: 'degraded', instances: '0 of 1' });
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(/upstream_instance_up\{upstream="chat-service",.*\} 0\n/);
  });

  it('has a queue that ends: past it 503 at once, and those who wait are served', async () => {
    const waiting: (() => void)[] = [];
    await using service = await startService((_request, response) =>
      waiting.push(() => response.end('done')),
    );
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: service.url,
        ...QUICK,
        UPSTREAM_MAX_CONNECTIONS: '1',
        UPSTREAM_MAX_PENDING: '2',
      },
    });
    const served = Array.from({ length: 3 }, () => ask(gateway));
    while (waiting.length === 0) await new Promise(setImmediate);
    let refused: Response;
    // The others may not have come so far yet.
    do refused = await fetch(gateway.url + PATH, { headers: bearer(), signal: AbortSignal.timeout(4_000) });
    while (refused.status !== 503);

    expect(await refused.json()).toMatchObject({ error: 'Service unavailable', service: 'chat-service' });
    expect(refused.headers.get('Retry-After')).toBe('1');
    while (waiting.length < 4) {
      waiting[waiting.length - 1]!();
      const before = waiting.length;
      if (before === 3) break;
      while (waiting.length === before) await new Promise(setImmediate);
    }
    expect(await Promise.all(served)).toEqual(['200 done', '200 done', '200 done']);
  });
});
