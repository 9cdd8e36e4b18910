import type { Exchange } from '@app/proxy';
import type { GatewayConfig } from '../config/gateway-config.js';
import type { IdleConnections } from '../lifecycle/idle-connections.js';
import { OpenExchanges } from '../lifecycle/open-exchanges.js';
import { Metrics } from './metrics.js';

const ROUTES = 10_000;
const MOST_SERIES = 20_000;

function exchangeOf(route: number): Exchange {
  const request = { method: 'GET', url: `/v1/${route}` };
  return { request, template: `/v1/${route}`, upstream: 'many-service' } as unknown as Exchange;
}

describe('the metrics of 10,000 routes', () => {
  it('keep 20,000 series of requests, one histogram, and all requests in their sum', async () => {
    const metrics = new Metrics(
      { serviceName: 'api-gateway' } as GatewayConfig,
      new OpenExchanges({} as IdleConnections),
    );

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
