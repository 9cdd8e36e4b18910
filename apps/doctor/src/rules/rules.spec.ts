import { OwnFiles, type Edit } from '../../test/own-files.js';

const COMPOSE = 'docker-compose.yml';
const TEMPLATE = 'configs/nginx/templates/gateway.conf.template';
const ACCESS_LOG = 'configs/nginx/includes/access-log.conf';
const FORWARD = 'configs/nginx/includes/forward.conf';
const WEBSOCKET = 'configs/nginx/includes/websocket.conf';

const edit = (file: string, from: string, to: string): Edit => ({ file, from, to });
const inCompose = (from: string, to: string): Edit => edit(COMPOSE, from, to);
const inTemplate = (from: string, to: string): Edit => edit(TEMPLATE, from, to);

/** A variable of both gateways. */
const gatewayHas = (name: string, value: string): Edit =>
  inCompose("    GATEWAY_REPLICAS: '2'\n", `    GATEWAY_REPLICAS: '2'\n    ${name}: '${value}'\n`);

/** A line of the auth service. */
const authHas = (line: string): Edit =>
  inCompose("    volumes: ['auth-data:/data']\n", `    volumes: ['auth-data:/data']\n    ${line}\n`);

/** The gateways' health check. */
const gatewayCheck = (test: string): Edit =>
  inCompose(
    '    LOG_LEVEL: ${LOG_LEVEL:-info}\n  healthcheck:\n    <<: *health\n    test: [CMD, node, health-check.mjs]',
    `    LOG_LEVEL: \${LOG_LEVEL:-info}\n  healthcheck:\n    <<: *health\n    test: ${test}`,
  );

const nginxCheck = (test: string): Edit =>
  inCompose("test: [CMD, curl, -fsS, -o, /dev/null, 'http://127.0.0.1:8081/health']", `test: ${test}`);

/** Each breaks one rule; `at` is what one of the places of its findings says. */
const BREAKS: readonly (readonly [rule: string, at: string, ...edits: Edit[]])[] = [
  ['configuration', 'service api-gateway', gatewayHas('ROUTE_DEADLINE_MS', '60000')],
  ['configuration', 'service api-gateway', gatewayHas('CONNECT_TIMEOUT_MS', 'two seconds')],

  [
    'drain',
    'stop_grace_period: 30s',
    inCompose('finish.\n  stop_grace_period: 45s', 'finish.\n  stop_grace_period: 30s'),
  ],
  ['drain', "no stop_grace_period: Docker's 10 s", inCompose('finish.\n  stop_grace_period: 45s', 'finish.')],
  ['drain', 'DRAIN_TIMEOUT_MS: 60000', inCompose("DRAIN_TIMEOUT_MS: '30000'", "DRAIN_TIMEOUT_MS: '60000'")],
  ['drain', 'DRAIN_NOTICE_MS: 20000', inCompose("DRAIN_NOTICE_MS: '0'", "DRAIN_NOTICE_MS: '20000'")],
  [
    'drain',
    'healthcheck: node health-check.mjs http://127.0.0.1:8080/health/ready',
    gatewayCheck('[CMD, node, health-check.mjs, http://127.0.0.1:8080/health/ready]'),
  ],
  ['drain', 'stop_grace_period: 20s', inCompose('    stop_grace_period: 45s', '    stop_grace_period: 20s')],

  ['clocks', 'proxy_read_timeout 45s', inTemplate('proxy_read_timeout 60s', 'proxy_read_timeout 45s')],
  ['clocks', 'proxy_read_timeout 50s', inTemplate('proxy_read_timeout 60s', 'proxy_read_timeout 50s')],
  ['clocks', 'proxy_send_timeout 30s', inTemplate('proxy_send_timeout 60s', 'proxy_send_timeout 30s')],
  ['clocks', 'proxy_read_timeout 1h', inTemplate('proxy_read_timeout 61m', 'proxy_read_timeout 1h')],
  ['clocks', 'client_body_timeout 5s', inTemplate('client_body_timeout 30s', 'client_body_timeout 5s')],
  ['clocks', 'ROUTE_DEADLINE_MS: 35000', gatewayHas('ROUTE_DEADLINE_MS', '35000')],
  ['clocks', 'IDLE_BODY_TIMEOUT_MS: 60000', gatewayHas('IDLE_BODY_TIMEOUT_MS', '60000')],
  [
    'clocks',
    'secureconnect.response-timeout: 30s',
    authHas("labels: { secureconnect.response-timeout: '30s' }"),
  ],

  ['keep-alive', 'keepalive_timeout 75s', inTemplate('  keepalive_timeout 60s', '  keepalive_timeout 75s')],
  ['keep-alive', 'CLIENT_KEEP_ALIVE_MS: 60000', gatewayHas('CLIENT_KEEP_ALIVE_MS', '60000')],
  [
    'keep-alive',
    'keepalive_requests 100',
    inTemplate('  keepalive_requests 10000', '  keepalive_requests 100'),
  ],
  ['keep-alive', 'proxy_set_header Connection close', inTemplate("Connection ''", 'Connection close')],
  ['keep-alive', 'UPSTREAM_KEEP_ALIVE_MS: 5000', gatewayHas('UPSTREAM_KEEP_ALIVE_MS', '5000')],
  ['keep-alive', 'secureconnect.keep-alive: 2s', authHas("labels: ['secureconnect.keep-alive=2s']")],

  [
    'websocket',
    'GET /v1/ws/chat',
    inTemplate('location = /v1/ws/chat { include includes/websocket.conf; }', ''),
  ],
  [
    'websocket',
    'location = /v1/ws/signaling',
    edit(WEBSOCKET, 'proxy_set_header Upgrade $http_upgrade;\n', ''),
  ],
  ['websocket', 'location = /v1/ws/chat', edit(WEBSOCKET, '$connection_upgrade', "''")],
  [
    'websocket',
    'proxy_set_header Upgrade $http_upgrade',
    inTemplate(
      "proxy_set_header Connection '';",
      "proxy_set_header Connection ''; proxy_set_header Upgrade $http_upgrade;",
    ),
  ],
  ['websocket', 'proxy_read_timeout 50s', edit(WEBSOCKET, 'proxy_read_timeout 1h', 'proxy_read_timeout 50s')],
  ['websocket', 'WEBSOCKET_PING_MS: 1800000', gatewayHas('WEBSOCKET_PING_MS', '1800000')],
  [
    'websocket',
    'secureconnect.websocket-read-timeout: 25s',
    inCompose(
      "    volumes: ['chat-data:/data']\n",
      "    volumes: ['chat-data:/data']\n    labels: { secureconnect.websocket-read-timeout: '25s' }\n",
    ),
  ],

  ['sizes', 'client_max_body_size 10m', inTemplate('client_max_body_size 25m', 'client_max_body_size 10m')],
  ['sizes', 'client_max_body_size 1g', inTemplate('client_max_body_size 2g', 'client_max_body_size 1g')],
  ['sizes', 'client_max_body_size 0', inTemplate('client_max_body_size 2g', 'client_max_body_size 0')],
  ['sizes', "no client_max_body_size: nginx's 1m", inTemplate('client_max_body_size 25m;', '')],
  ['sizes', 'BODY_LIMIT_BYTES: 1048576', gatewayHas('BODY_LIMIT_BYTES', '1048576')],
  ['sizes', "no proxy_request_buffering: nginx's on", inTemplate('proxy_request_buffering off;', '')],
  ['sizes', 'proxy_buffer_size 8k', inTemplate('proxy_buffer_size 20k', 'proxy_buffer_size 8k')],
  [
    'sizes',
    'large_client_header_buffers 2 4k',
    inTemplate('large_client_header_buffers 4 16k', 'large_client_header_buffers 2 4k'),
  ],

  [
    'health-check',
    'healthcheck: node health-check.mjs http://localhost:8080/health',
    gatewayCheck('[CMD, node, health-check.mjs, http://localhost:8080/health]'),
  ],
  [
    'health-check',
    'healthcheck: wget -q http://127.0.0.1:8080/health',
    gatewayCheck('[CMD, wget, -q, http://127.0.0.1:8080/health]'),
  ],
  [
    'health-check',
    'healthcheck: wget -q http://127.0.0.1:8080/health || exit 1',
    gatewayCheck('wget -q http://127.0.0.1:8080/health || exit 1'),
  ],
  [
    'health-check',
    'healthcheck: node health-check.mjs http://127.0.0.1:8080/healthz',
    gatewayCheck('[CMD, node, health-check.mjs, http://127.0.0.1:8080/healthz]'),
  ],
  [
    'health-check',
    'healthcheck: node health-check.mjs http://127.0.0.1/health',
    gatewayCheck('[CMD, node, health-check.mjs, http://127.0.0.1/health]'),
  ],
  [
    'health-check',
    'healthcheck: curl -f http://127.0.0.1:8081/ping',
    nginxCheck('[CMD, curl, -f, http://127.0.0.1:8081/ping]'),
  ],
  [
    'health-check',
    'healthcheck: curl -f http://127.0.0.1:8090/health',
    nginxCheck('[CMD, curl, -f, http://127.0.0.1:8090/health]'),
  ],
  [
    'health-check',
    'healthcheck: redis-cli -h localhost ping',
    inCompose(
      `test: [CMD-SHELL, 'redis-cli -h 127.0.0.1 ping 2>&1 | grep -Eq "PONG|NOAUTH"']`,
      'test: [CMD, redis-cli, -h, localhost, ping]',
    ),
  ],
  ['health-check', 'service gateway', inCompose('  retries: 3\n  start_period: 30s\n', '  retries: 3\n')],

  [
    'health-check',
    'depends_on: api-gateway (service_healthy)',
    inCompose(
      '      api-gateway: { condition: service_started }',
      '      api-gateway: { condition: service_healthy }',
    ),
    inCompose(
      "    ports: ['${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']",
      "    ports: ['${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']\n    healthcheck: { disable: true }",
    ),
  ],

  [
    'trusted-proxies',
    'TRUST_PROXY: none',
    inCompose('TRUST_PROXY: ${NGINX_ADDRESS:-172.28.90.10}', 'TRUST_PROXY: none'),
  ],
  [
    'trusted-proxies',
    'TRUST_PROXY: 0.0.0.0/0',
    inCompose('TRUST_PROXY: ${NGINX_ADDRESS:-172.28.90.10}', 'TRUST_PROXY: 0.0.0.0/0'),
  ],
  [
    'trusted-proxies',
    'ipv4_address: 172.28.90.10',
    inCompose('TRUST_PROXY: ${NGINX_ADDRESS:-172.28.90.10}', 'TRUST_PROXY: 10.0.0.0/8'),
  ],
  ['trusted-proxies', 'location /', edit(FORWARD, 'proxy_set_header X-Forwarded-For $remote_addr;\n', '')],
  [
    'trusted-proxies',
    'set_real_ip_from 0.0.0.0/0',
    inCompose("'${NGINX_TRUSTED_PROXY:-unix:}'", '0.0.0.0/0'),
  ],

  [
    'trusted-proxies',
    'ports: 0.0.0.0:8080:8080',
    inCompose('TRUST_PROXY: ${NGINX_ADDRESS:-172.28.90.10}', "TRUST_PROXY: '1'"),
    inCompose('${GATEWAY_PUBLISH:-127.0.0.1:8080}', '${GATEWAY_PUBLISH:-0.0.0.0:8080}'),
  ],

  ['hidden-paths', 'location /', inTemplate('location ~* ^/(?:metrics(?:/|$)|health/.) { return 404; }', '')],
  ['hidden-paths', 'location /', inTemplate('metrics(?:/|$)|health/.', 'metrics(?:/|$)')],

  ['secrets', 'JWT_SECRET: (hidden)', gatewayHas('JWT_SECRET', 'do not tell anybody, and be long enough')],
  [
    'secrets',
    'DB_PASSWORD: (hidden)',
    inCompose(
      '      SERVICE: auth\n',
      '      SERVICE: auth\n      DB_PASSWORD: ${DB_PASSWORD:-open sesame}\n',
    ),
  ],
  ['secrets', 'REDIS_URL: (hidden)', gatewayHas('REDIS_URL', 'redis://:open-sesame@redis:6379')],
  [
    'secrets',
    'API_KEY: (hidden)',
    edit('Dockerfile', 'ENV DATA_DIR=/data', 'ENV DATA_DIR=/data API_KEY=open-sesame'),
  ],
  [
    'secrets',
    'GRAFANA_PASSWORD: (hidden)',
    edit('.env.example', 'LOG_LEVEL=info', 'LOG_LEVEL=info\nGRAFANA_PASSWORD=open-sesame'),
  ],

  [
    'first-process',
    'CMD node dist/apps/gateway/src/main.js',
    edit(
      'Dockerfile',
      'CMD ["node", "--max-semi-space-size=16", "dist/apps/gateway/src/main.js"]',
      'CMD node dist/apps/gateway/src/main.js',
    ),
  ],
  [
    'first-process',
    'command: npm run start',
    inCompose(
      "    ports: ['${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']",
      "    ports: ['${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']\n    command: npm run start",
    ),
  ],

  ['memory', 'mem_limit: 384m', inCompose('  mem_limit: 512m\n  tmpfs', '  mem_limit: 384m\n  tmpfs')],
  [
    'memory',
    'NODE_OPTIONS: --enable-source-maps --max-old-space-size=400',
    gatewayHas('NODE_OPTIONS', '--enable-source-maps --max-old-space-size=400'),
  ],
  ['memory', 'WEBSOCKET_BUFFER_BYTES: 268435456', gatewayHas('WEBSOCKET_BUFFER_BYTES', '268435456')],
  ['memory', 'WEBSOCKET_BUFFER_BYTES: 1000', gatewayHas('WEBSOCKET_BUFFER_BYTES', '1000')],

  ['replicas', 'GATEWAY_REPLICAS: 3', inCompose("GATEWAY_REPLICAS: '2'", "GATEWAY_REPLICAS: '3'")],
  [
    'replicas',
    'upstream gateways: 1 servers',
    inTemplate('  server ${GATEWAY_2}${GATEWAY_RESOLVE} max_fails=5 fail_timeout=2s;\n', ''),
  ],
  [
    'replicas',
    '3 running: api-gateway, api-gateway-2',
    inCompose("    ports: ['${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']", '    deploy: { replicas: 2 }'),
  ],

  [
    'names',
    'server api-gateway-3:8080 resolve max_fails=0',
    inCompose('GATEWAY_2: api-gateway-2:8080', 'GATEWAY_2: api-gateway-3:8080'),
  ],
  [
    'names',
    'server api-gateway:8081 resolve max_fails=0',
    inCompose('GATEWAY_1: api-gateway:8080', 'GATEWAY_1: api-gateway:8081'),
  ],
  [
    'names',
    'CHAT_SERVICE_URL: dns://chat-service:8080',
    inCompose('-dns://chat-service:8082}', '-dns://chat-service:8080}'),
  ],
  [
    'names',
    'CHAT_SERVICE_URL: dns://talk-service:8082',
    inCompose('-dns://chat-service:8082}', '-dns://talk-service:8082}'),
  ],
  [
    'names',
    'server api-gateway:8080 max_fails=0',
    inCompose("GATEWAY_RESOLVE: '${GATEWAY_RESOLVE- resolve}'", "GATEWAY_RESOLVE: ''"),
  ],
  [
    'names',
    'VIDEO_SERVICE_URL: dns://video-service:8083',
    inCompose(
      'image: ${VIDEO_SERVICE_IMAGE:-secureconnect/reference:latest}',
      'image: ${VIDEO_SERVICE_IMAGE:-secureconnect/reference:latest}\n    networks: [video]',
    ),
  ],
  [
    'names',
    'REDIS_URL: cache',
    inCompose(
      '    REDIS_URL_FILE: /run/secrets/redis_url\n    # Only',
      '    REDIS_URL: redis://cache\n    # Only',
    ),
  ],

  ['template', '${NGINX_HSTS}', inCompose('      NGINX_HSTS: ${NGINX_HSTS:-}\n', '')],

  [
    'start-order',
    'depends_on: redis (service_healthy)',
    inCompose('redis: { condition: service_started }', 'redis: { condition: service_healthy }'),
  ],
  [
    'start-order',
    'depends_on: cockroach (service_started)',
    inCompose('redis: { condition: service_started }', 'cockroach: { condition: service_started }'),
  ],

  [
    'logs',
    'access_log /tmp/access.log json',
    edit(ACCESS_LOG, 'access_log /dev/stdout json', 'access_log /tmp/access.log json'),
  ],
  [
    'logs',
    'volume at /var/log/nginx',
    inCompose(
      '      - ./configs/nginx/nginx.conf:',
      '      - nginx-logs:/var/log/nginx\n      - ./configs/nginx/nginx.conf:',
    ),
  ],
];

describe('the rules', () => {
  it("hold in the product's own files", async () => {
    await using own = await OwnFiles.copy();

    expect(own.examine().findings).toEqual([]);
  });

  const breaks = BREAKS.map(([rule, says, ...edits]) => ({ rule, says, edits }));
  it.each(breaks)('$rule is named, and only it, where "$says" disagrees', async ({ rule, says, edits }) => {
    await using own = await OwnFiles.copy(...edits);
    const { findings } = own.examine();

    expect(new Set(findings.map((finding) => finding.rule))).toEqual(new Set([rule]));
    const places = findings.flatMap((finding) => finding.places);
    expect(places.map((place) => place.says)).toContain(says);
    expect(places.filter(({ at }) => at.line === undefined)).toEqual([]);
    for (const finding of findings) {
      expect(finding.wants).not.toBe('');
      expect(finding.breaks).toMatch(/\w\.$/);
    }
  });

  it('has a break for each of them', async () => {
    await using own = await OwnFiles.copy();

    expect(new Set(BREAKS.map(([rule]) => rule))).toEqual(new Set(own.examine().rules));
  });
});
