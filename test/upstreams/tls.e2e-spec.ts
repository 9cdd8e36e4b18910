import { createHash, randomBytes } from 'node:crypto';
import { ask } from '../support/ask.js';
import { Certificates } from '../support/certificates.js';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { MESSAGES, startSecureChat, statusesOf } from '../support/secure-chat.js';
import { bodyOf, startSecureService, startService } from '../support/service.js';

const SERVED = [200, 200, 101];
const REFUSED = [502, 502, 502];

const startWith = (url: string, env: Readonly<Record<string, string>> = {}): Promise<RunningGateway> =>
  startGateway({ env: { CHAT_SERVICE_URL: url, ...env } });

/** Why the gateway failed requests and handshakes, each reason once. */
function causesOf({ logs }: RunningGateway): Set<unknown> {
  const lines = logs.filter(({ error_code: code }) => code === 'UPSTREAM_TLS');
  return new Set(lines.map(({ stage, cause }) => `${stage as string} ${(cause as string).split(':')[0]}`));
}

describe('a service with a certificate', () => {
  it('is asked by its own name over one connection, whatever clients call the gateway', async () => {
    await using certificates = await Certificates.create();
    const ca = await certificates.authority();
    await using service = await startSecureChat(await certificates.issue(ca));
    await using gateway = await startWith(service.url, { CHAT_SERVICE_TLS_CA_FILE: ca.certFile });
    const hosts = ['gateway.example', 'localhost', 'other.example:8443', '10.0.0.1', '[::1]:80'];

    const answers: number[] = [];
    for (const Host of hosts) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const body = method === 'POST' ? 'hello' : '';
        const path = method === 'DELETE' ? `${MESSAGES}/none` : MESSAGES;
        answers.push((await ask(gateway, { method, path, body, headers: { ...bearer(), Host } })).status);
      }
    }

    expect(new Set(answers)).toEqual(new Set([200, 404]));
    expect(service.accepted()).toBe(1);
    expect(service.requests.map(({ host }) => host)).toEqual(hosts.flatMap((host) => [host, host]));
    expect(await statusesOf(gateway)).toEqual(SERVED);
    expect(service.accepted()).toBe(2);
    expect(service.serverNames).toEqual(['localhost', 'localhost']);
  });

  it('is trusted when it is self-signed and its certificate is the CA file', async () => {
    await using certificates = await Certificates.create();
    const own = await certificates.authority();
    await using service = await startSecureChat(own);
    await using gateway = await startWith(service.url, { CHAT_SERVICE_TLS_CA_FILE: own.certFile });

    expect(await statusesOf(gateway)).toEqual(SERVED);
  });

  it('is asked for no name at an address, and must prove the address', async () => {
    await using certificates = await Certificates.create();
    const own = await certificates.authority('IP:127.0.0.1');
    await using service = await startSecureChat(own);
    await using gateway = await startWith(service.url.replace('localhost', '127.0.0.1'), {
      CHAT_SERVICE_TLS_CA_FILE: own.certFile,
    });

    for (const host of ['gateway.example', '127.0.0.1', 'localhost'])
      expect(await statusesOf(gateway, host)).toEqual(SERVED);
    expect(service.serverNames).toEqual([false, false, false, false]);
  });

  it('is asked for the configured name', async () => {
    await using certificates = await Certificates.create();
    const own = await certificates.authority('DNS:chat.internal');
    await using service = await startSecureChat(own);
    await using gateway = await startWith(service.url, {
      CHAT_SERVICE_TLS_CA_FILE: own.certFile,
      CHAT_SERVICE_TLS_SERVER_NAME: 'chat.internal',
    });

    expect(await statusesOf(gateway)).toEqual(SERVED);
    expect(service.serverNames).toEqual(['chat.internal', 'chat.internal']);
  });

  it.each([
    ['has another name', 'DNS:other.example', 2, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['has expired', 'DNS:localhost', -1, 'CERT_HAS_EXPIRED'],
  ])('whose certificate %s gets no request', async (_name, names, days, code) => {
    await using certificates = await Certificates.create();
    const ca = await certificates.authority('DNS:ca.example');
    await using service = await startSecureChat(await certificates.issue(ca, { names, days }));
    await using gateway = await startWith(service.url, { CHAT_SERVICE_TLS_CA_FILE: ca.certFile });

    // A client may not choose by its Host which name the service must prove.
    expect(await statusesOf(gateway, 'other.example')).toEqual(REFUSED);
    expect(await statusesOf(gateway, 'localhost')).toEqual(REFUSED);
    expect(causesOf(gateway)).toEqual(new Set([`connect ${code}`]));
    expect(service.requests).toEqual([]);
  });

  it('whose certificate is not trusted gets no request, and the client does not learn why', async () => {
    await using certificates = await Certificates.create();
    await using service = await startSecureChat(await certificates.authority());
    await using gateway = await startWith(service.url);

    expect(await statusesOf(gateway)).toEqual(REFUSED);
    expect(causesOf(gateway)).toEqual(new Set(['connect DEPTH_ZERO_SELF_SIGNED_CERT']));
    const { status, headers, body } = await ask(gateway, { path: MESSAGES, headers: bearer() });
    expect([status, headers['x-gateway-error']]).toEqual([502, 'UPSTREAM_TLS']);
    expect(JSON.parse(body)).toEqual({
      error: 'Service unavailable',
      service: 'chat-service',
      request_id: expect.any(String),
    });
    expect(await metricsOf(gateway)).toContain(
      'gateway_request_failures_total{upstream="chat-service",code="UPSTREAM_TLS",service="api-gateway"} 4',
    );
  });

  it('loses no byte of an upload and of a download', async () => {
    await using certificates = await Certificates.create();
    const own = await certificates.authority();
    const sent = randomBytes(3_000_000).toString('base64');
    await using service = await startSecureService((request, response) => {
      bodyOf(request).then(
        (body) => response.end(body.split('').toReversed().join('')),
        () => {},
      );
    }, own);
    await using gateway = await startWith(service.url, { CHAT_SERVICE_TLS_CA_FILE: own.certFile });

    const { body } = await ask(gateway, { method: 'POST', path: MESSAGES, headers: bearer(), body: sent });

    const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(digest(body.split('').toReversed().join(''))).toBe(digest(sent));
  });

  it('is asked again over a new connection when the pooled one was dead', async () => {
    await using certificates = await Certificates.create();
    const own = await certificates.authority();
    let isFirst = true;
    await using service = await startSecureService((request, response) => {
      if (request.url === `${MESSAGES}?dead` && isFirst) {
        isFirst = false;
        request.socket.destroy();
      } else response.end('served');
    }, own);
    await using gateway = await startWith(service.url, { CHAT_SERVICE_TLS_CA_FILE: own.certFile });
    const headers = { ...bearer(), Host: 'gateway.example' };

    await ask(gateway, { path: MESSAGES, headers });
    const again = await ask(gateway, { path: `${MESSAGES}?dead`, headers });

    expect(again.body).toBe('served');
    expect(service.accepted()).toBe(2);
  });
});

describe('a service that demands a certificate', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'gets ours, and refuses a gateway without one: %s',
    async (maxVersion) => {
      await using certificates = await Certificates.create();
      const ca = await certificates.authority();
      const ours = await certificates.issue(ca, { names: 'DNS:gateway' });
      const { cert, key } = await certificates.issue(ca);
      const demands = { cert, key, ca: ca.cert, requestCert: true, maxVersion };
      await using service = await startSecureChat(demands);
      const trusting = { CHAT_SERVICE_TLS_CA_FILE: ca.certFile };
      await using without = await startWith(service.url, trusting);
      await using gateway = await startWith(service.url, {
        ...trusting,
        CHAT_SERVICE_TLS_CERT_FILE: ours.certFile,
        CHAT_SERVICE_TLS_KEY_FILE: ours.keyFile,
      });

      expect(await statusesOf(without)).toEqual(REFUSED);
      const line = await without.logged({ error_code: 'UPSTREAM_TLS', method: 'POST' });
      expect(line).toMatchObject({ stage: 'connect', upstream: 'chat-service', instance: service.url });
      expect(line.cause).toMatch(/alert (certificate required|handshake failure)/);
      expect(service.requests).toEqual([]);
      expect(await statusesOf(gateway)).toEqual(SERVED);
    },
  );
});

describe('an instance of two that cannot prove itself', () => {
  it('costs no client anything, and is ejected as one that refuses connections', async () => {
    await using certificates = await Certificates.create();
    const ca = await certificates.authority();
    await using good = await startSecureChat(await certificates.issue(ca));
    await using bad = await startSecureChat(await certificates.issue(ca, { names: 'DNS:other.example' }));
    await using gateway = await startWith(`${good.url},${bad.url}`, {
      CHAT_SERVICE_TLS_CA_FILE: ca.certFile,
      OUTLIER_CONSECUTIVE_FAILURES: '2',
    });

    const isEjected = (): boolean => gateway.logs.some(({ message }) => message === 'instance ejected');
    do expect(await statusesOf(gateway)).toEqual(SERVED);
    while (!isEjected());

    expect(await gateway.logged({ message: 'instance ejected' })).toMatchObject({
      instance: bad.url,
      reason: 'connect',
    });
    expect(bad.requests).toEqual([]);
  });

  it('fails its health checks, and the other passes them', async () => {
    await using certificates = await Certificates.create();
    const ca = await certificates.authority();
    const ours = await certificates.issue(ca, { names: 'DNS:gateway' });
    const demands = { ca: ca.cert, requestCert: true };
    const [right, wrong] = [
      await certificates.issue(ca, { names: 'DNS:chat.internal' }),
      await certificates.issue(ca),
    ];
    await using good = await startSecureChat({ cert: right.cert, key: right.key, ...demands });
    await using bad = await startSecureChat({ cert: wrong.cert, key: wrong.key, ...demands });
    await using gateway = await startWith(`${good.url},${bad.url}`, {
      CHAT_SERVICE_TLS_CA_FILE: ca.certFile,
      CHAT_SERVICE_TLS_SERVER_NAME: 'chat.internal',
      CHAT_SERVICE_TLS_CERT_FILE: ours.certFile,
      CHAT_SERVICE_TLS_KEY_FILE: ours.keyFile,
      HEALTH_CHECK_INTERVAL_MS: '50',
    });

    expect(await gateway.logged({ message: 'instance down' })).toMatchObject({
      instance: bad.url,
      reason: 'check',
    });
    expect(await statusesOf(gateway)).toEqual(SERVED);
    expect(good.requests.filter(({ path }) => path === '/health').length).toBeGreaterThan(1);
    expect(bad.requests).toEqual([]);
    const up = `upstream_instance_up{upstream="chat-service",address="${good.url}",service="api-gateway"} 1`;
    expect(await metricsOf(gateway)).toContain(up);
  });
});

describe('a service without TLS at an https:// address', () => {
  it('gets no request', async () => {
    await using service = await startService((_request, response) => response.end());
    await using gateway = await startWith(service.url.replace('http:', 'https:'));

    expect(await statusesOf(gateway)).toEqual(REFUSED);
    expect([...causesOf(gateway)].join()).toMatch(/^connect (ERR_SSL_|EPROTO)/);
  });
});
