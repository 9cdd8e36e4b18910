import { bearer, startGateway } from '../support/gateway.js';
import { DnsServer } from '../support/dns.js';
import { startService } from '../support/service.js';

describe('a service behind a name', () => {
  it('is found by it, followed where it goes, and kept where the name server fails', async () => {
    await using dns = await DnsServer.start({});
    await using service = await startService((_request, response) => response.end('here'));
    dns.records.set('chat.test', ['127.0.0.1']);
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: `dns://chat.test:${service.port}`,
        DNS_SERVERS: dns.address,
        DNS_REFRESH_INTERVAL_MS: '500',
        CIRCUIT_BREAKER_OPEN_MS: '100',
      },
    });
    const ask = async (): Promise<string> => {
      const response = await fetch(`${gateway.url}/v1/messages`, { headers: bearer() });
      return `${response.status} ${await response.text()}`;
    };
    expect(await ask()).toBe('200 here');

    // Another address of this machine, where nobody listens.
    dns.records.set('chat.test', ['127.0.0.2']);
    while ((await ask()) === '200 here');
    dns.records.set('chat.test', ['127.0.0.1']);
    while ((await ask()) !== '200 here');
    dns.be('failing');
    for (let each = 0; each < 4; each++) await dns.asked();

    expect(await ask()).toBe('200 here');
  });

  it('is looked up where it cannot be reached, however long its record lives', async () => {
    await using dns = await DnsServer.start({});
    await using service = await startService((_request, response) => response.end('here'));
    dns.records.set('chat.test', ['127.0.0.2']);
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: `dns://chat.test:${service.port}`,
        DNS_SERVERS: dns.address,
        DNS_REFRESH_INTERVAL_MS: '3600000',
        CIRCUIT_BREAKER_OPEN_MS: '100',
      },
    });
    dns.records.set('chat.test', ['127.0.0.1']);
    const ask = async (): Promise<number> =>
      (await fetch(`${gateway.url}/v1/messages`, { headers: bearer() })).status;

    expect(await ask()).toBe(502);
    while ((await ask()) !== 200);
    expect(service.accepted()).toBeGreaterThan(0);
  });

  it('is not there where nobody knows the name, which is 503 until somebody does', async () => {
    await using dns = await DnsServer.start({});
    await using service = await startService((_request, response) => response.end('here'));
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: `dns://chat.test:${service.port}`,
        DNS_SERVERS: dns.address,
        DNS_REFRESH_INTERVAL_MS: '500',
      },
    });
    const ask = (): Promise<Response> => fetch(`${gateway.url}/v1/messages`, { headers: bearer() });

    const refused = await ask();
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: 'Service unavailable', service: 'chat-service' });
    dns.records.set('chat.test', ['127.0.0.1']);

    while ((await ask()).status !== 200);
    expect(service.accepted()).toBeGreaterThan(0);
  });

  it.each(['dns://chat.test', 'dns://chat.test:80/path'])('is no address as %s', async (address) => {
    await expect(startGateway({ env: { CHAT_SERVICE_URL: address } })).rejects.toThrow('CHAT_SERVICE_URL');
  });
});
