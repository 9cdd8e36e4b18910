import { Histogram, Registry } from 'prom-client';
import { metricsText } from './metrics-text.js';
import { RequestDurations } from './request-durations.js';

const DEFINITION = { name: 'seconds', help: 'Seconds', buckets: [0.5, 1, 2] };

describe('the durations of requests', () => {
  it('are the text that a histogram of prom-client has', async () => {
    const [own, other] = [new Registry(), new Registry()];
    const durations = new RequestDurations(own, DEFINITION);
    const labelNames = ['method', 'endpoint'];
    const histogram = new Histogram({ ...DEFINITION, labelNames, registers: [other] });
    for (const method of ['GET', 'POST'])
      for (const endpoint of ['auth', 'chat "1"'])
        for (const seconds of [0, 0.5, 0.75, 1, 2, 2.5, 100]) {
          durations.observe(method, endpoint, seconds);
          histogram.observe({ method, endpoint }, seconds);
        }

    const text = await metricsText(own, { service: 'api-gateway' });

    expect(text.split('\n').toSorted()).toEqual(
      (await metricsText(other, { service: 'api-gateway' })).split('\n').toSorted(),
    );
    expect(text).toContain(
      'seconds_bucket{le="+Inf",method="GET",endpoint="auth",service="api-gateway"} 7\n',
    );
  });

  it('have no series before the first request', async () => {
    const registry = new Registry();
    new RequestDurations(registry, DEFINITION);

    expect(await metricsText(registry, {})).toBe('# HELP seconds Seconds\n# TYPE seconds histogram\n');
  });
});
