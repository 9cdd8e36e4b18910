import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Exchange } from '@app/proxy';
import { Gauge } from 'prom-client';
import type { Settings } from '../settings/complete-settings.js';
import type { IdleConnections } from '../http/idle-connections.js';
import { OpenExchanges } from '../http/open-exchanges.js';
import { Metrics } from './metrics.js';

const ROUTES = 10_000;
const MOST_SERIES = 20_000;

function exchangeOf(route: number): Exchange {
  const request = { method: 'GET', url: `/v1/${route}` };
  return { request, template: `/v1/${route}`, upstream: 'many-service' } as unknown as Exchange;
}

function createMetrics(): Metrics {
  return new Metrics({ serviceName: 'api-gateway' } as Settings, new OpenExchanges({} as IdleConnections));
}

/** Metrics with a counter of the texts, each of which takes some turns of the event loop. */
function createCountedMetrics(): Metrics {
  const metrics = createMetrics();
  new Gauge({
    name: 'texts',
    help: 'Texts that began',
    registers: [metrics.registry],
    collect() {
      this.inc();
    },
  });
  const many = new Gauge({ name: 'many', help: 'Many', labelNames: ['a'], registers: [metrics.registry] });
  for (let a = 0; a < 2_000; a++) many.set({ a }, 1);
  return metrics;
}

describe('the text of the metrics', () => {
  it('is made once for all calls before its making begins', async () => {
    const metrics = createCountedMetrics();

    const texts = await Promise.all(Array.from({ length: 50 }, () => metrics.text()));

    expect(texts[0]).toContain('texts{service="api-gateway"} 1\n');
    expect(new Set(texts).size).toBe(1);
    metrics.onApplicationShutdown();
  });

  it('is made again for calls while it is made, after its end', async () => {
    const metrics = createCountedMetrics();
    const ended: string[] = [];
    const first = metrics.text().then((text) => {
      ended.push('first');
      return text;
    });
    await nextTurn();
    await nextTurn();
    metrics.malformed(431);
    const later = await Promise.all([metrics.text(), metrics.text()]);
    ended.push('later');

    expect(await first).not.toContain('status="431"');
    expect(later[0]).toMatch(/status="431".* 1$/m);
    expect(later[0]).toContain('texts{service="api-gateway"} 2\n');
    expect(later[1]).toBe(later[0]);
    expect(ended).toEqual(['first', 'later']);
    metrics.onApplicationShutdown();
  });
});

describe('the metrics of 10,000 routes', () => {
  it('keep 20,000 series of requests, one histogram, and all requests in their sum', async () => {
    const metrics = createMetrics();

    for (const status of [200, 401, 502]) {
      for (let route = 0; route < ROUTES; route++) metrics.closed(exchangeOf(route), undefined, status, 1);
    }
    const lines = (await metrics.text()).split('\n');

    const requests = lines.filter((line) => line.startsWith('http_requests_total{'));
    expect(requests).toHaveLength(MOST_SERIES + 1);
    expect(requests.at(-1)).toBe(
      'http_requests_total{method="GET",endpoint="other",status="502",service="api-gateway"} 10000',
    );
    expect(lines).toContain(
      'gateway_metric_series_left_out_total{metric="http_requests_total",service="api-gateway"} 10000',
    );
    expect(lines.filter((line) => line.startsWith('http_request_duration_seconds_count{'))).toEqual([
      'http_request_duration_seconds_count{method="GET",endpoint="many-service",service="api-gateway"} 30000',
    ]);
    metrics.onApplicationShutdown();
  });
});
