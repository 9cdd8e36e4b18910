import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { createService } from '../../apps/reference/src/create-service.js';
import { JWT_SECRET } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { GatewayProcess } from '../support/process.js';
import {
  AlertmanagerServer,
  describeWithPrometheus,
  PrometheusServer,
  RedisExporter,
  run,
  TemporaryFolder,
} from '../support/prometheus.js';
import { metricsIn, metricsOfferedBy } from '../support/promql.js';
import { RedisServer } from '../support/redis.js';

const CONFIG = 'configs/prometheus/prometheus.yml';
/** Those of a new project. */
const PROJECT = 'templates/project/monitoring';

/** Every query of the alerts of a new project, with its alert. */
async function projectQueries(): Promise<{ panel: string; query: string }[]> {
  const { groups } = parse(await readFile(`${PROJECT}/alerts.yml`, 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  return groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ panel: alert, query: expr })));
}

async function filesOf(pattern: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(pattern)) files.push(file);
  return files.toSorted();
}

/** Every query of every dashboard, with its panel. */
async function dashboardQueries(): Promise<{ panel: string; query: string }[]> {
  const queries: { panel: string; query: string }[] = [];
  for (const file of await filesOf('configs/grafana/dashboards/*.json')) {
    const { panels, annotations } = JSON.parse(await readFile(file, 'utf8')) as {
      panels: { title: string; targets?: { expr: string }[] }[];
      annotations: { list: { name: string; expr: string }[] };
    };
    for (const { title, targets = [] } of panels)
      queries.push(...targets.map(({ expr }) => ({ panel: title, query: expr })));
    queries.push(...annotations.list.map(({ name, expr }) => ({ panel: name, query: expr })));
  }
  return queries;
}

async function startReference(): Promise<AsyncDisposable & { readonly url: string }> {
  const app = await createService({ service: 'auth', jwtSecret: JWT_SECRET });
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), [Symbol.asyncDispose]: () => app.close() };
}

/** What Grafana puts in for its variables. */
const filled = (query: string): string =>
  query.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');

describeWithPrometheus('the configuration', () => {
  it('of Prometheus, its rules and of Alertmanager is valid, with a webhook and without', async () => {
    await using prometheus = await PrometheusServer.start();
    await using silent = await AlertmanagerServer.start();
    await using telling = await AlertmanagerServer.start("https://example.com/hook?token=it's");
    const configOf = async ({ address }: AlertmanagerServer): Promise<string> => {
      const status = await (await fetch(`http://${address}/api/v2/status`)).json();
      return (status as { config: { original: string } }).config.original;
    };

    expect(await run('promtool', 'check', 'config', CONFIG)).toMatchObject({ isWell: true });
    expect(await run('promtool', 'check', 'config', `${PROJECT}/prometheus.yml`)).toMatchObject({
      isWell: true,
    });
    expect(await run('amtool', 'check-config', 'configs/alertmanager/alertmanager.yml')).toMatchObject({
      isWell: true,
    });
    expect(await prometheus.groups()).not.toEqual([]);
    expect(await configOf(silent)).not.toContain('webhook_configs');
    expect(await configOf(telling)).toContain('webhook_configs');
  });

  it('of the dashboard has queries that Prometheus understands', async () => {
    await using folder = await TemporaryFolder.make();
    const queries = await dashboardQueries();
    const file = join(folder.path, 'dashboard.json');
    const rules = queries.map(({ query }, index) => ({ record: `query_${index}`, expr: filled(query) }));
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));

    expect(queries.length).toBeGreaterThan(40);
    expect(await run('promtool', 'check', 'rules', file)).toMatchObject({ isWell: true });
  });
});

describeWithPrometheus('every metric that is asked for', () => {
  it('is one that somebody has', async () => {
    await using redis = await RedisServer.start();
    await using exporter = await RedisExporter.start(redis.url);
    await using alertmanager = await AlertmanagerServer.start();
    await using prometheus = await PrometheusServer.start({ alertmanager: alertmanager.address });
    await using reference = await startReference();
    await using gateway = GatewayProcess.start({ SHUTDOWN_DELAY_MS: '600000' });
    const url = `http://127.0.0.1:${await gateway.port()}`;
    gateway.signal('SIGTERM');
    await gateway.logged('drain begins: not ready, still serving');
    const everybody = [exporter, prometheus, reference, { url }, { url: `http://${alertmanager.address}` }];
    const texts = await Promise.all(everybody.map(metricsOf));
    const groups = await prometheus.groups();
    const rules = groups.flatMap((group) => group.rules);

    const offered = new Set(['up', 'ALERTS', ...texts.flatMap(metricsOfferedBy)]);
    const recorded = rules.filter(({ type }) => type === 'recording').map(({ name }) => name);
    for (const name of recorded) offered.add(name);
    const asked = [
      ...rules.map(({ name, query }) => ({ panel: name, query })),
      ...(await dashboardQueries()),
      ...(await projectQueries()),
    ].flatMap(({ panel, query }) => metricsIn(query).map((metric) => `${metric} of ${panel}`));

    expect(asked.length).toBeGreaterThan(60);
    expect(asked.filter((each) => !offered.has(each.split(' ')[0]!))).toEqual([]);
  }, 30_000);
});

describeWithPrometheus('every alert', () => {
  it('says how bad it is, what there is, and where it stands what to do', async () => {
    await using prometheus = await PrometheusServer.start();
    const readme = await readFile('configs/prometheus/README.md', 'utf8');
    const headings = [...readme.matchAll(/^### (\w+)$/gm)].map(([, heading]) => heading!);
    const groups = await prometheus.groups();
    const alerts = groups.flatMap(({ rules }) => rules).filter(({ type }) => type === 'alerting');

    for (const { name, labels, annotations } of alerts) {
      expect([name, labels?.['severity']]).toEqual([name, expect.stringMatching(/^(critical|warning)$/)]);
      expect([name, annotations]).toEqual([
        name,
        {
          summary: expect.stringMatching(/\w/),
          description: expect.stringMatching(/\w/),
          runbook: `configs/prometheus/README.md#${name.toLowerCase()}`,
        },
      ]);
    }
    expect(headings.toSorted()).toEqual([...new Set(alerts.map(({ name }) => name))].toSorted());
  });
});
