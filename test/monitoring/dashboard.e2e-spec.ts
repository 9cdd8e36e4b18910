import { glob, readFile } from 'node:fs/promises';

interface Position {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface DataSource {
  readonly type: string;
  readonly uid: string;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: Position;
  readonly datasource?: DataSource;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly datasource: DataSource;
  }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly datasource: DataSource }[];
  };
  readonly annotations: {
    readonly list: readonly { readonly datasource: DataSource; readonly expr: string }[];
  };
}

/** Columns of Grafana's grid. */
const COLUMNS = 24;

async function dashboards(): Promise<Dashboard[]> {
  const all: Dashboard[] = [];
  for await (const file of glob('configs/grafana/dashboards/*.json')) {
    all.push(JSON.parse(await readFile(file, 'utf8')) as Dashboard);
  }
  return all;
}

function doOverlap(one: Position, other: Position): boolean {
  return (
    one.x < other.x + other.w &&
    other.x < one.x + one.w &&
    one.y < other.y + other.h &&
    other.y < one.y + one.h
  );
}

describe('the dashboard', () => {
  it('has panels with ids of their own that stand beside each other, each with what it means', async () => {
    const [dashboard, ...others] = await dashboards();
    const { panels, uid, schemaVersion } = dashboard!;

    expect(others).toEqual([]);
    expect(uid).toBe('secureconnect-gateway');
    expect(schemaVersion).toBeGreaterThanOrEqual(41);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const [index, { title, gridPos }] of panels.entries()) {
      expect([title, gridPos.x >= 0 && gridPos.x + gridPos.w <= COLUMNS]).toEqual([title, true]);
      const below = panels.slice(index + 1).filter((other) => doOverlap(gridPos, other.gridPos));
      expect([title, below.map((other) => other.title)]).toEqual([title, []]);
    }
    for (const { title, type, description, fieldConfig, targets } of panels) {
      if (type === 'row') continue;
      expect([title, description]).toEqual([title, expect.stringMatching(/\w.*\.$/)]);
      expect([title, fieldConfig?.defaults.unit]).toEqual([title, expect.stringMatching(/^[a-zA-Z]+$/)]);
      expect([title, targets?.map(({ refId }) => refId)]).toEqual([
        title,
        ['A', 'B', 'C'].slice(0, targets?.length),
      ]);
    }
  });

  it('asks the data source that is provisioned, and each panel of gateways those that were chosen', async () => {
    const provisioned = await readFile('configs/grafana/provisioning/datasources/prometheus.yml', 'utf8');
    const source = {
      type: /^ {4}type: (\w+)$/m.exec(provisioned)![1],
      uid: /^ {4}uid: (\w+)$/m.exec(provisioned)![1],
    };
    const [{ panels, templating, annotations }] = (await dashboards()) as [Dashboard];
    const asking = panels.filter(({ type }) => type !== 'row');

    for (const { title, datasource, targets = [] } of asking) {
      expect([title, datasource, ...targets.map((target) => target.datasource)]).toEqual([
        title,
        source,
        ...targets.map(() => source),
      ]);
      for (const { expr } of targets) {
        const selectors = [...expr.matchAll(/\{([^}]*service="api-gateway"[^}]*)\}/g)];
        expect([expr, selectors.every(([, labels]) => labels!.includes('instance=~"$instance"'))]).toEqual([
          expr,
          true,
        ]);
      }
    }
    expect(source).toEqual({ type: 'prometheus', uid: 'prometheus' });
    expect(templating.list).toMatchObject([{ name: 'instance', datasource: source }]);
    for (const { datasource } of annotations.list) expect(datasource).toEqual(source);
  });
});
