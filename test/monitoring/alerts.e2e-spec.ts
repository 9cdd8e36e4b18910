import { bearer, startGateway } from '../support/gateway.js';
import { GatewayProcess } from '../support/process.js';
import { AlertmanagerServer, describeWithPrometheus, PrometheusServer } from '../support/prometheus.js';
import { RawClient } from '../support/raw-client.js';
import { RedisServer } from '../support/redis.js';
import { bodyOf, startService, type PlayedService } from '../support/service.js';

interface Alert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Who is told of alerts. */
interface Webhook extends PlayedService {
  /** Told so far, in order. */
  readonly alerts: readonly Alert[];
  /** The first, past or future, of this name and status; the test's own time is the limit. */
  told(name: string, status: Alert['status']): Promise<Alert>;
}

async function startWebhook(): Promise<Webhook> {
  const alerts: Alert[] = [];
  let arrival = Promise.withResolvers<void>();
  const service = await startService(async (request, response) => {
    alerts.push(...(JSON.parse(await bodyOf(request)) as { alerts: Alert[] }).alerts);
    response.end();
    arrival.resolve();
    arrival = Promise.withResolvers();
  });
  return Object.assign(service, {
    alerts,
    told: async (name: string, status: Alert['status']) => {
      for (;;) {
        const found = alerts.find((alert) => alert.labels['alertname'] === name && alert.status === status);
        if (found) return found;
        await arrival.promise;
      }
    },
  });
}

describeWithPrometheus('an alert', () => {
  it('tells the webhook of a gateway without Redis, and that it is well again', async () => {
    await using redis = await RedisServer.start();
    await using gateway = await startGateway({ env: { REDIS_URL: redis.url } });
    await using webhook = await startWebhook();
    await using alertmanager = await AlertmanagerServer.start(`${webhook.url}/?token=secret`);
    const at = `127.0.0.1:${gateway.port}`;
    await using prometheus = await PrometheusServer.start({
      gateway: at,
      alertmanager: alertmanager.address,
      isHurried: true,
    });

    await redis.kill();
    const firing = await webhook.told('RedisDegraded', 'firing');
    const groups = await prometheus.groups();
    await redis.restart();
    const resolved = await webhook.told('RedisDegraded', 'resolved');

    expect(firing.labels).toEqual({
      alertname: 'RedisDegraded',
      severity: 'critical',
      service: 'api-gateway',
      job: 'api-gateway',
      instance: at,
    });
    expect(firing.annotations).toMatchObject({
      summary: `${at} goes on without Redis`,
      runbook: 'configs/prometheus/README.md#redisdegraded',
    });
    expect(resolved.labels).toEqual(firing.labels);
    // Over real figures none of the rules fails.
    expect(groups.flatMap(({ rules }) => rules).filter(({ health }) => health === 'err')).toEqual([]);
  }, 90_000);

  it('tells of a gateway that ends before its clients are done, which it can be asked for to its end', async () => {
    const asked = Promise.withResolvers<void>();
    await using service = await startService(() => asked.resolve());
    await using gateway = GatewayProcess.start({ AUTH_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: '5900' });
    const port = await gateway.port();
    await using client = await RawClient.connect(port);
    client.write(
      `GET /v1/auth/profile HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer().Authorization}\r\n\r\n`,
    );
    await asked.promise;
    await using webhook = await startWebhook();
    await using alertmanager = await AlertmanagerServer.start(webhook.url);
    const at = `127.0.0.1:${port}`;
    await using prometheus = await PrometheusServer.start({
      gateway: at,
      alertmanager: alertmanager.address,
      isHurried: true,
    });
    await prometheus.holds('up{job="api-gateway"} == 1');

    gateway.signal('SIGTERM');
    const firing = await webhook.told('GatewayDrainOverDeadline', 'firing');

    expect(firing.labels).toMatchObject({ instance: at, severity: 'warning', service: 'api-gateway' });
    expect(firing.annotations['summary']).toBe(`${at} came to the end of its drain with clients left: 1`);
    expect(await gateway.exited).toBe(0);
    expect(gateway.lines.some(({ message }) => message === 'drain deadline: destroying what is left')).toBe(
      true,
    );
  }, 60_000);

  it('that is a warning is left out where it is critical, or nobody of the service answers', async () => {
    await using alertmanager = await AlertmanagerServer.start();
    const api = `http://${alertmanager.address}/api/v2/alerts`;
    const alert = (alertname: string, severity: string, instance?: string) => ({
      labels: { alertname, severity, service: 'api-gateway', ...(instance && { instance }) },
    });
    await fetch(api, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify([
        alert('GatewayErrors', 'critical', 'one'),
        alert('GatewayErrors', 'warning', 'one'),
        alert('GatewayErrors', 'warning', 'two'),
        alert('GatewayLatencyHigh', 'warning', 'one'),
        alert('ServiceDown', 'critical'),
        alert('TargetDown', 'warning', 'one'),
      ]),
    });
    const states = async (): Promise<string[]> => {
      const alerts = (await (await fetch(api)).json()) as (Alert & { status: { state: string } })[];
      return alerts.map(
        ({ labels, status }) =>
          `${labels['alertname']} ${labels['severity']} ${labels['instance'] ?? 'all'}: ${status.state}`,
      );
    };

    let seen = await states();
    while (seen.length < 6 || seen.some((state) => state.endsWith('unprocessed'))) seen = await states();

    expect(seen.toSorted()).toEqual([
      'GatewayErrors critical one: active',
      'GatewayErrors warning one: suppressed',
      'GatewayErrors warning two: active',
      'GatewayLatencyHigh warning one: active',
      'ServiceDown critical all: active',
      'TargetDown warning one: suppressed',
    ]);
  }, 30_000);
});
