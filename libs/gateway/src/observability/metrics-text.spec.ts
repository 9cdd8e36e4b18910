import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { metricsText } from './metrics-text.js';

/** Sorts the labels of each line. Their order has no meaning. */
function sorted(text: string): string[] {
  return text.split('\n').map((line) =>
    line.replace(
      /\{(.*)\}/,
      (_all, labels: string) =>
        `{${labels
          .split(/,(?=\w+=)/)
          .toSorted()
          .join()}}`,
    ),
  );
}

/** Counts the turns of the event loop until the work is done. */
async function turnsOf(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    if (isDone) return;
    turns++;
    setImmediate(count);
  };
  setImmediate(count);
  await work.finally(() => (isDone = true));
  return turns;
}

describe('the text of metrics', () => {
  it('equals the text of the registry', async () => {
    const registry = new Registry();
    const registers = [registry];
    const counter = new Counter({
      name: 'c',
      help: 'Two\nlines \\ ',
      labelNames: ['a', 'service'],
      registers,
    });
    counter.inc({ a: 'quote " back \\ line \n end' }, 2.5);
    counter.inc({ a: 7, service: 'own' });
    new Gauge({ name: 'g', help: 'Without labels', registers }).set(-Infinity);
    new Gauge({ name: 'empty', help: 'Without series', labelNames: ['a'], registers });
    new Gauge({
      name: 'late',
      help: 'Collected',
      registers,
      collect: async function () {
        await Promise.resolve();
        this.set(3);
      },
    });
    const histogram = new Histogram({
      name: 'h',
      help: 'Seconds',
      labelNames: ['a'],
      buckets: [0.1, 1],
      registers,
    });
    for (const seconds of [0.05, 0.5, 5]) histogram.observe({ a: 'x' }, seconds);

    const text = await metricsText(registry, { service: 's' });

    registry.setDefaultLabels({ service: 's' });
    expect(sorted(text)).toEqual(sorted(await registry.metrics()));
  });

  it('of 10,000 series is made in more than ten turns of the event loop', async () => {
    const registry = new Registry();
    const counter = new Counter({ name: 'c', help: 'Many', labelNames: ['a'], registers: [registry] });
    for (let n = 0; n < 10_000; n++) counter.inc({ a: n });

    const text = metricsText(registry, {});

    expect(await turnsOf(text)).toBeGreaterThan(10);
    expect((await text).match(/^c\{a="\d+"\} 1$/gm)).toHaveLength(10_000);
  });
});
