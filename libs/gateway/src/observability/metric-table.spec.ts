import { Registry } from 'prom-client';
import { registerEventMetrics, registerScrapedMetrics } from './metric-table.js';
import { metricsText } from './metrics-text.js';

const SIZE = '# HELP size Now\n# TYPE size gauge\nsize 2';
const ADDED = '# HELP added_total Ever\n# TYPE added_total counter\nadded_total 5';

describe('metrics that a scrape reads', () => {
  it('are a gauge by default, and a counter if their entry says so', async () => {
    const registry = new Registry();
    registerScrapedMetrics(
      registry,
      [
        { name: 'size', help: 'Now', read: (source) => source.size },
        { type: 'counter', name: 'added_total', help: 'Ever', read: (source) => source.added },
      ],
      { size: 2, added: 5 },
    );

    for (const _scrape of ['first', 'second']) {
      expect(await metricsText(registry, {})).toBe(`${SIZE}\n\n${ADDED}\n`);
    }
  });

  it.each(['gauge', 'counter'] as const)(
    'have the series of the last reading alone, and equal ones add up: %s',
    async (type) => {
      const registry = new Registry();
      const addresses = ['a', 'b', 'b'];
      registerScrapedMetrics(
        registry,
        [
          {
            type,
            name: 'open',
            help: 'Connections',
            labels: ['address'],
            read: () => addresses.map((address) => [{ address }, 1]),
          },
        ],
        undefined,
      );
      const series = async (): Promise<string[]> =>
        (await metricsText(registry, {})).split('\n').filter((line) => line.startsWith('open'));

      expect(await series()).toEqual(['open{address="a"} 1', 'open{address="b"} 2']);
      addresses.shift();
      expect(await series()).toEqual(['open{address="b"} 2']);
    },
  );

  it('fail a scrape with the error of a reading, and that scrape alone', async () => {
    const registry = new Registry();
    let error: Error | undefined = new Error('unreadable');
    const read = (): number => {
      if (error) throw error;
      return 1;
    };
    registerScrapedMetrics(registry, [{ name: 'size', help: 'Now', read }], undefined);

    await expect(metricsText(registry, {})).rejects.toThrow('unreadable');
    error = undefined;
    expect(await metricsText(registry, {})).toContain('\nsize 1\n');
  });

  it('fail a scrape with a label that their entry does not name', async () => {
    const registry = new Registry();
    registerScrapedMetrics(
      registry,
      [{ name: 'open', help: 'Connections', labels: ['address'], read: () => [[{ instance: 'a' }, 1]] }],
      undefined,
    );

    await expect(metricsText(registry, {})).rejects.toThrow('label "instance" is not included');
  });
});

describe('metrics that events change', () => {
  it('are a histogram if they have buckets, else a counter', async () => {
    const registry = new Registry();
    const { sent, duration } = registerEventMetrics(registry, {
      sent: { name: 'sent_total', help: 'Messages', labels: ['direction'] },
      duration: { name: 'duration_seconds', help: 'Of a message', buckets: [1] },
    });

    sent.inc({ direction: 'in' });
    sent.inc({ direction: 'in' });
    duration.observe(0.5);

    const lines = (await metricsText(registry, { service: 's' })).split('\n');
    expect(lines).toContain('# TYPE sent_total counter');
    expect(lines).toContain('sent_total{direction="in",service="s"} 2');
    expect(lines).toContain('# TYPE duration_seconds histogram');
    expect(lines).toContain('duration_seconds_bucket{le="1",service="s"} 1');
    expect(lines).toContain('duration_seconds_sum{service="s"} 0.5');
  });
});
