import { Agent, get } from 'node:http';
import { bearer } from '../support/gateway.js';
import { describeWithBuild } from '../support/requirements.js';
import { bodyOf, startService } from '../support/service.js';
import { GatewayProcess } from '../support/process.js';
import { RawClient } from '../support/raw-client.js';

/** Prometheus as a gateway knows it: it asks over one connection, which it keeps. */
class Scraper implements Disposable {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly connections = new Set<object>();

  constructor(private readonly port: number) {}

  scrape(): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = get({ port: this.port, host: '127.0.0.1', path: '/metrics', agent: this.agent });
      request.once('socket', (socket) => this.connections.add(socket));
      request.once('response', (response) => resolve(bodyOf(response))).once('error', reject);
    });
  }

  [Symbol.dispose](): void {
    this.agent.destroy();
  }
}

const LEFT = /^gateway_drain_connections_left\{service="api-gateway"\} (\d+)$/m;
const SECONDS = /^gateway_drain_seconds_left\{service="api-gateway"\} ([\d.]+)$/m;

const figureOf = (metrics: string, pattern: RegExp): number | undefined => {
  const found = pattern.exec(metrics);
  return found ? Number(found[1]) : undefined;
};

const request = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer().Authorization}\r\n\r\n`;

describeWithBuild('the metrics of a gateway that drains', () => {
  it('can be read to its end over the connection of before, tell what is left, and hold nothing up', async () => {
    const asked = Promise.withResolvers<() => void>();
    await using service = await startService((_request, response) =>
      asked.resolve(() => response.end('late but whole')),
    );
    await using gateway = GatewayProcess.start({
      AUTH_SERVICE_URL: service.url,
      DRAIN_TIMEOUT_MS: '600000',
    });
    const port = await gateway.port();
    using prometheus = new Scraper(port);
    const before = await prometheus.scrape();
    await using client = await RawClient.connect(port);
    client.write(request('/v1/auth/profile'));
    const answer = await asked.promise;
    await using idle = await RawClient.connect(port);
    idle.write(request('/health'));
    await idle.until(/healthy/);

    gateway.signal('SIGTERM');
    await gateway.logged('drain: listener closed');
    // As silent as the scraper from here on, and closed for it.
    await idle.ended();
    let during: string;
    // The gateway hears a little later that it is gone.
    do during = await prometheus.scrape();
    while (figureOf(during, LEFT) !== 1);
    const later = await prometheus.scrape();
    answer();

    expect((await client.ended()).text).toMatch(/late but whole$/);
    expect(await gateway.exited).toBe(0);
    expect(before).not.toMatch(/^gateway_drain_/m);
    expect(figureOf(during, SECONDS)).toBeLessThanOrEqual(600);
    expect(figureOf(later, SECONDS)).toBeLessThan(figureOf(during, SECONDS)!);
    expect(figureOf(later, SECONDS)).toBeGreaterThan(0);
    expect(prometheus.connections.size).toBe(1);
    expect(gateway.lines.some(({ message }) => message === 'drain complete')).toBe(true);
  }, 20_000);

  it('do not keep their connection for any other request', async () => {
    const asked = Promise.withResolvers<() => void>();
    await using service = await startService((_request, response) =>
      asked.resolve(() => response.end('late but whole')),
    );
    await using gateway = GatewayProcess.start({
      AUTH_SERVICE_URL: service.url,
      DRAIN_TIMEOUT_MS: '600000',
    });
    const port = await gateway.port();
    await using client = await RawClient.connect(port);
    client.write(request('/v1/auth/profile'));
    const answer = await asked.promise;
    await using scraper = await RawClient.connect(port);
    scraper.write(request('/metrics'));
    await scraper.until(/upstream_instance_up\{/);

    gateway.signal('SIGTERM');
    await gateway.logged('drain: listener closed');
    scraper.write(request('/nowhere'));
    const { statuses, text } = await scraper.ended();
    answer();

    expect(statuses).toEqual([200, 404]);
    expect(text).toMatch(/^Connection: close\r$/m);
    expect(await gateway.exited).toBe(0);
  }, 20_000);
});
