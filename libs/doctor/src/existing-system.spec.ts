import { AppModule } from '../../../apps/gateway/src/app.module.js';
import { readApplication } from './deployment/application.js';
import { examine } from './examine.js';

const COMPOSE = 'libs/doctor/test/existing-system/docker-compose.yml';

/** The faults of the system that this gateway replaces: the rule, the place to change, and the place that it disagrees with. */
const FAULTS = [
  ['gateway-settings', 'TRUST_PROXY (default)', 'HOST 0.0.0.0 (default)'],
  ['drain', "no stop_grace_period: Docker's 10 s", 'DRAIN_TIMEOUT_MS 30000 (default)'],
  ['drain', "no stop_grace_period: Docker's 10 s", 'REQUEST_TIMEOUT_MS: 60000'],
  ['timeouts', 'proxy_read_timeout 60s', 'REQUEST_TIMEOUT_MS: 60000'],
  ['timeouts', 'gateway.response-timeout: 60s', 'RESPONSE_HEADERS_TIMEOUT_MS 30000 (default)'],
  ['timeouts', 'proxy_send_timeout 60s', 'STREAM_IDLE_TIMEOUT_MS: 61000'],
  ['timeouts', 'proxy_read_timeout 60s', 'EVENT_STREAM_IDLE_TIMEOUT_MS 3600000 (default)'],
  ['keep-alive', 'proxy_set_header Connection upgrade', 'keepalive 32'],
  ['keep-alive', 'keepalive_requests 100', 'upstream api_gateway'],
  ['websocket', 'proxy_set_header Upgrade $http_upgrade', 'location /'],
  ['websocket', 'proxy_read_timeout 60s', 'WEBSOCKET_PING_INTERVAL_MS: 60000'],
  ['websocket', 'WEBSOCKET_PING_INTERVAL_MS: 60000', 'gateway.websocket-read-timeout: 60s'],
  ['websocket', 'WEBSOCKET_PING_INTERVAL_MS: 60000', 'gateway.websocket-read-timeout: 60s'],
  ['health-check', 'healthcheck: wget --spider -q http://localhost/health', 'service nginx'],
  ['health-check', 'healthcheck: wget --spider -q http://localhost:8080/health', 'service api-gateway'],
  [
    'health-check',
    'healthcheck: wget --spider -q http://localhost:8080/health',
    'image: secureconnect/api-gateway:latest',
  ],
  ['hidden-paths', 'ports: 8080:8080', 'service api-gateway'],
  ['hidden-paths', 'location /', 'api-gateway responds to /HEALTH/LIVE'],
  ['hidden-paths', 'location /', 'api-gateway responds to /HEALTH/READY'],
  ['hidden-paths', 'location /', 'api-gateway responds to /METRICS'],
  ['memory', 'no mem_limit of api-gateway'],
  ['replicas', 'least_conn', 'upstream api_gateway: 1 server'],
  ['replicas', 'proxy_next_upstream error timeout http_502 http_503', 'upstream api_gateway: 1 server'],
  ['replicas', 'server api-gateway:8080 max_fails=3 fail_timeout=30s', 'upstream api_gateway: 1 server'],
  ['names', 'server api-gateway:8080 max_fails=3 fail_timeout=30s', 'service api-gateway'],
  ['start-order', 'depends_on: redis (service_healthy)', 'service redis'],
  ['start-order', 'depends_on: cockroachdb (service_healthy)', 'service cockroachdb'],
  ['start-order', 'depends_on: cassandra (service_healthy)', 'service cassandra'],
  ['start-order', 'depends_on: minio (service_healthy)', 'service minio'],
  ['logs', 'volume at /var/log/nginx', 'service nginx'],
];

describe('the doctor on the system that this gateway replaces', () => {
  it('names its faults and no others', () => {
    const { findings } = examine(process.cwd(), { compose: [COMPOSE] }, readApplication(AppModule));

    expect(findings.map(({ rule, places }) => [rule, ...places.slice(0, 2).map(({ text }) => text)])).toEqual(
      FAULTS,
    );
  });
});
