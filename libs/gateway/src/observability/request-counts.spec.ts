import { Counter, Registry } from 'prom-client';
import { metricsText } from './metrics-text.js';
import { RequestCounts } from './request-counts.js';

const DEFINITION = { name: 'requests_total', help: 'Requests' };
const LIMIT = 10;

function createCounts(limit: number): { registry: Registry; counts: RequestCounts; leftOut: () => number } {
  const registry = new Registry();
  let leftOut = 0;
  const counts = new RequestCounts(registry, DEFINITION, limit, () => void leftOut++);
  return { registry, counts, leftOut: () => leftOut };
}

describe('the counts of requests', () => {
  it('are the text that a counter of prom-client has', async () => {
    const { registry, counts, leftOut } = createCounts(LIMIT);
    const other = new Registry();
    const labelNames = ['method', 'endpoint', 'status'];
    const counter = new Counter({ ...DEFINITION, labelNames, registers: [other] });
    for (const method of ['GET', 'POST', 'GET'])
      for (const endpoint of ['/v1/messages/:id', '/v1/"quoted"'])
        for (const status of [200, 404]) {
          counts.add(method, endpoint, status);
          counter.inc({ method, endpoint, status });
        }

    const text = await metricsText(registry, { service: 'api-gateway' });

    expect(text.split('\n').toSorted()).toEqual(
      (await metricsText(other, { service: 'api-gateway' })).split('\n').toSorted(),
    );
    expect(text).toContain(
      'requests_total{method="GET",endpoint="/v1/messages/:id",status="200",service="api-gateway"} 2\n',
    );
    expect(leftOut()).toBe(0);
  });

  it('have no series before the first request', async () => {
    const { registry } = createCounts(LIMIT);

    expect(await metricsText(registry, {})).toBe(
      '# HELP requests_total Requests\n# TYPE requests_total counter\n',
    );
  });

  it('go to the endpoint `other` beyond the limit, and stay with the first ones', async () => {
    const { registry, counts, leftOut } = createCounts(2);
    for (const endpoint of ['/a', '/b', '/c', '/d', '/a', '/c']) counts.add('GET', endpoint, 200);

    const lines = (await metricsText(registry, {})).split('\n');

    expect(lines.slice(2, -1)).toEqual([
      'requests_total{method="GET",endpoint="/a",status="200"} 2',
      'requests_total{method="GET",endpoint="/b",status="200"} 1',
      'requests_total{method="GET",endpoint="other",status="200"} 3',
    ]);
    expect(leftOut()).toBe(3);
  });
});
