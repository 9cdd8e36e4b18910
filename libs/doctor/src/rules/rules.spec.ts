import { readFile } from 'node:fs/promises';
import { OwnFiles, type Edit } from '../../test/own-files.js';

import { RULES } from './rules.js';

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

/** The address of auth-service for the gateways; chat and video have their own. */
const authIsAt = (address: string): Edit =>
  inCompose(
    'at a time.\n    AUTH_SERVICE_URL: ${AUTH_SERVICE_URL:-dns://auth-service:8080}',
    `at a time.\n    AUTH_SERVICE_URL: ${address}`,
  );

/** Secrets of both gateways beside their own. */
const gatewayIsGiven = (secrets: string, more = ''): Edit =>
  inCompose(
    'redis]\n  secrets: [jwt_secret, redis_gateway_url]\n',
    `redis]\n  secrets: [jwt_secret, redis_gateway_url, ${secrets}]\n${more}`,
  );

const AUTH_CA = 'AUTH_SERVICE_TLS_CA_FILE';

/** A line of the auth service. */
const authHas = (line: string): Edit =>
  inCompose("    volumes: ['auth-data:/data']\n", `    volumes: ['auth-data:/data']\n    ${line}\n`);

/** The gateways' health check. */
const gatewayCheck = (test: string): Edit =>
  inCompose(
    '    LOG_LEVEL: ${LOG_LEVEL:-info}\n  healthcheck:\n    <<: *health\n    test: [CMD, node, health-check.mjs]',
    `    LOG_LEVEL: \${LOG_LEVEL:-info}\n  healthcheck:\n    <<: *health\n    test: ${test}`,
  );

/** The address that `location /` passes requests to. */
const everywhere = (to: string): Edit =>
  inTemplate('proxy_pass http://gateways;\n  }\n\n  # Used', `proxy_pass http://${to};\n  }\n\n  # Used`);

const pool = (rows: string): Edit =>
  inTemplate('# ---- clocks and sizes', `map $http_x_pool $pool { ${rows} }\n# ---- clocks and sizes`);

const readTimeout = (time: string): Edit =>
  inTemplate('proxy_read_timeout 60s', `proxy_read_timeout ${time}`);

/** The inside of the location for objects. */
const OBJECTS = 'client_max_body_size 2g;\n    proxy_pass http://gateways;';

/** Another service, before all others. */
const firstService = (text: string): Edit =>
  inCompose(
    '  # nginx, the only one',
    `  other:\n    networks: [edge]\n    ${text}\n  # nginx, the only one`,
  );

/** A server of nginx's own beside the others. */
const server = (text: string): Edit =>
  inTemplate('# The only server,', `server { listen 9999; ${text} }\n# The only server,`);

const inServer = (text: string): Edit => inTemplate('  # As large as', `  ${text}\n  # As large as`);

const HIDES = 'location ~* ^/(?:metrics(?:/|$)|health/.) { return 404; }';

/** The command of the first gateway. */
const gatewayRuns = (command: string): Edit =>
  inCompose(
    "    ports: ['${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']",
    `    ports: ['\${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']\n    command: ${command}`,
  );

const GATEWAY_CMD =
  'CMD ["node", "--max-semi-space-size=8", "--no-allocation-site-pretenuring", "dist/apps/gateway/src/main.js"]';

/** Chat and plain requests in one location. */
const inOne = (connection: string): Edit[] => [
  inTemplate('  location = /v1/ws/chat { include includes/websocket.conf; }\n', ''),
  inTemplate(
    'if ($http_accept ~* text/event-stream) { return 418; }',
    `include includes/forward.conf; proxy_set_header Upgrade $http_upgrade; ${connection} proxy_read_timeout 2h;`,
  ),
];

const nginxCheck = (test: string): Edit =>
  inCompose("test: [CMD, curl, -fsS, -o, /dev/null, 'http://127.0.0.1:8081/health']", `test: ${test}`);

/** Each breaks one rule, or several that find the same fault. `at` is the text of one place of the findings. */
const BREAKS: readonly (readonly [rules: string, at: string, ...edits: Edit[]])[] = [
  ['configuration', 'REQUEST_TIMEOUT_MS: 60000', gatewayHas('REQUEST_TIMEOUT_MS', '60000')],
  ['configuration', 'CONNECT_TIMEOUT_MS: two seconds', gatewayHas('CONNECT_TIMEOUT_MS', 'two seconds')],

  ['routes', 'proxy_pass http://$http_host', everywhere('$http_host')],
  ['routes', 'proxy_pass http://$pool', everywhere('$pool'), pool('default gateways; old $http_x_old;')],
  ['routes', 'proxy_pass http://$pool', everywhere('$pool'), pool('"" gateways;')],
  [
    'routes',
    'service api-gateway',
    ...['GATEWAY_1: api-gateway:8080', 'GATEWAY_2: api-gateway-2:8080'].map((from) =>
      inCompose(from, from.replace(/: .*/, ': web.example.com:80')),
    ),
  ],
  [
    'routes',
    'GET /v1/ws/chat',
    inTemplate(
      'include includes/websocket.conf; }\n  location = /v1/ws/signaling',
      'return 404; }\n  location = /v1/ws/signaling',
    ),
  ],
  [
    'routes',
    'location /v1/calls/',
    inTemplate('  # As large as', '  location /v1/calls/ { return 404; }\n  # As large as'),
  ],

  [
    'drain',
    'stop_grace_period: 30s',
    inCompose('finish.\n  stop_grace_period: 45s', 'finish.\n  stop_grace_period: 30s'),
  ],
  ['drain', "no stop_grace_period: Docker's 10 s", inCompose('finish.\n  stop_grace_period: 45s', 'finish.')],
  ['drain', 'DRAIN_TIMEOUT_MS: 60000', inCompose("DRAIN_TIMEOUT_MS: '30000'", "DRAIN_TIMEOUT_MS: '60000'")],
  ['drain', 'SHUTDOWN_DELAY_MS: 20000', inCompose("SHUTDOWN_DELAY_MS: '0'", "SHUTDOWN_DELAY_MS: '20000'")],
  [
    'drain',
    'healthcheck: node health-check.mjs http://127.0.0.1:8080/health/ready',
    gatewayCheck('[CMD, node, health-check.mjs, http://127.0.0.1:8080/health/ready]'),
  ],
  ['drain', 'stop_grace_period: 20s', inCompose('    stop_grace_period: 45s', '    stop_grace_period: 20s')],

  ['timeouts', 'proxy_read_timeout 45s', inTemplate('proxy_read_timeout 60s', 'proxy_read_timeout 45s')],
  ['timeouts', 'proxy_read_timeout 50s', inTemplate('proxy_read_timeout 60s', 'proxy_read_timeout 50s')],
  ['timeouts', 'proxy_send_timeout 30s', inTemplate('proxy_send_timeout 60s', 'proxy_send_timeout 30s')],
  ['timeouts', 'proxy_read_timeout 1h', inTemplate('proxy_read_timeout 61m', 'proxy_read_timeout 1h')],
  // A map, a condition and a named location, each of which passes requests to the gateways.
  ['timeouts', 'proxy_read_timeout 5s', everywhere('$pool'), pool('default gateways;'), readTimeout('5s')],
  [
    'timeouts',
    'proxy_read_timeout 3s',
    inTemplate(
      OBJECTS,
      'client_max_body_size 2g; try_files $uri @objects;\n  }\n  location @objects {\n    client_max_body_size 2g; proxy_read_timeout 3s; proxy_pass http://gateways;',
    ),
  ],
  ['timeouts', 'client_body_timeout 5s', inTemplate('client_body_timeout 30s', 'client_body_timeout 5s')],
  ['gateway-settings', 'CONECT_TIMEOUT_MS: 1000', gatewayHas('CONECT_TIMEOUT_MS', '1000')],
  ['gateway-settings', 'REQUEST_TIMEOUT_MS: 35000', gatewayHas('REQUEST_TIMEOUT_MS', '35000')],
  ['timeouts', 'STREAM_IDLE_TIMEOUT_MS: 60000', gatewayHas('STREAM_IDLE_TIMEOUT_MS', '60000')],
  ['timeouts', 'gateway.response-timeout: 30s', authHas("labels: { gateway.response-timeout: '30s' }")],

  ['keep-alive', 'keepalive_timeout 75s', inTemplate('  keepalive_timeout 60s', '  keepalive_timeout 75s')],
  ['keep-alive', 'CLIENT_KEEP_ALIVE_TIMEOUT_MS: 60000', gatewayHas('CLIENT_KEEP_ALIVE_TIMEOUT_MS', '60000')],
  [
    'keep-alive',
    'keepalive_requests 100',
    inTemplate('  keepalive_requests 10000', '  keepalive_requests 100'),
  ],
  ['keep-alive', 'proxy_set_header Connection close', inTemplate("Connection ''", 'Connection close')],
  [
    'keep-alive',
    'no proxy_set_header Connection: close before nginx 1.29.7',
    inTemplate("  proxy_set_header Connection '';\n", ''),
  ],
  ['keep-alive', 'upstream gateways', inTemplate('  keepalive 64;\n', '')],
  ['keep-alive', 'proxy_http_version 1.0', inTemplate(OBJECTS, `proxy_http_version 1.0; ${OBJECTS}`)],
  ['keep-alive websocket', 'no proxy_http_version', edit(FORWARD, 'proxy_http_version 1.1;\n', '')],
  // For plain requests and WebSockets alike.
  [
    'keep-alive websocket',
    'proxy_set_header Connection upgrade',
    ...inOne('proxy_set_header Connection upgrade;'),
  ],
  [
    'keep-alive names replicas',
    'proxy_pass http://api-gateway:8080',
    inTemplate(OBJECTS, OBJECTS.replace('//gateways', '//api-gateway:8080')),
  ],
  [
    'keep-alive',
    'UPSTREAM_KEEP_ALIVE_TIMEOUT_MS: 5000',
    gatewayHas('UPSTREAM_KEEP_ALIVE_TIMEOUT_MS', '5000'),
  ],
  ['keep-alive', 'gateway.keep-alive: 2s', authHas("labels: ['gateway.keep-alive=2s']")],

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
  ['websocket', 'WEBSOCKET_PING_INTERVAL_MS: 1800000', gatewayHas('WEBSOCKET_PING_INTERVAL_MS', '1800000')],
  [
    'websocket',
    'gateway.websocket-read-timeout: 25s',
    inCompose(
      "    volumes: ['chat-data:/data']\n",
      "    volumes: ['chat-data:/data']\n    labels: { gateway.websocket-read-timeout: '25s' }\n",
    ),
  ],

  ['sizes', 'client_max_body_size 10m', inTemplate('client_max_body_size 25m', 'client_max_body_size 10m')],
  ['sizes', 'client_max_body_size 1g', inTemplate('client_max_body_size 2g', 'client_max_body_size 1g')],
  ['sizes', 'client_max_body_size 0', inTemplate('client_max_body_size 2g', 'client_max_body_size 0')],
  ['sizes', "no client_max_body_size: nginx's 1m", inTemplate('client_max_body_size 25m;', '')],
  ['sizes', 'MAX_REQUEST_BODY_BYTES: 1048576', gatewayHas('MAX_REQUEST_BODY_BYTES', '1048576')],
  ['sizes', "no proxy_request_buffering: nginx's on", inTemplate('proxy_request_buffering off;', '')],
  ['sizes', 'proxy_buffer_size 8k', inTemplate('proxy_buffer_size 20k', 'proxy_buffer_size 8k')],
  [
    'sizes',
    'large_client_header_buffers 64 1k',
    inTemplate('large_client_header_buffers 4 16k', 'large_client_header_buffers 64 1k'),
  ],
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
      '- REDISCLI_AUTH=$$(cat /run/secrets/redis_health_password) redis-cli -h 127.0.0.1 --user health ping | grep -q PONG',
      '- redis-cli -h localhost ping',
    ),
  ],
  [
    'health-check',
    'healthcheck: node health-check.mjs http://[::1]:8080/health',
    gatewayCheck("[CMD, node, health-check.mjs, 'http://[::1]:8080/health']"),
  ],
  ...['http://localhost:8080/health', 'http://127.0.0.1:9999/health', 'http://127.0.0.1:8080/healthz'].map(
    (url) => {
      const program = `fetch('${url}').then(r=>process.exit(r.ok?0:1))`;
      return [
        'health-check',
        `healthcheck: node -e ${program}`,
        gatewayCheck(`[CMD, node, -e, "${program}"]`),
      ] as const;
    },
  ),
  [
    'health-check',
    'healthcheck: node health-check.mjs http://127.0.0.1:8999/health',
    authHas(
      "healthcheck: { test: [CMD, node, health-check.mjs, 'http://127.0.0.1:8999/health'], start_period: 3s }",
    ),
  ],
  ['health-check', 'service redis', inCompose('start_period: 30s', 'start_period: 0s')],
  [
    // The image of the services has the same health check, and the services do not have its path.
    'drain health-check',
    'HEALTHCHECK ["node", "health-check.mjs", "http://127.0.0.1:8080/health/ready"]',
    inCompose(
      '    LOG_LEVEL: ${LOG_LEVEL:-info}\n  healthcheck:\n    <<: *health\n    test: [CMD, node, health-check.mjs]',
      '    LOG_LEVEL: ${LOG_LEVEL:-info}\n  healthcheck: { interval: 60s }',
    ),
    edit(
      'Dockerfile',
      'CMD ["node", "health-check.mjs"]',
      'CMD ["node", "health-check.mjs", "http://127.0.0.1:8080/health/ready"]',
    ),
    inCompose("SHUTDOWN_DELAY_MS: '0'", "SHUTDOWN_DELAY_MS: '45000'"),
    inCompose('finish.\n  stop_grace_period: 45s', 'finish.\n  stop_grace_period: 200s'),
  ],
  ['health-check', 'service nginx', inCompose('  retries: 3\n  start_period: 30s\n', '  retries: 3\n')],

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
    'gateway-settings',
    'TRUST_PROXY: none',
    inCompose('TRUST_PROXY: ${NGINX_ADDRESS:-172.28.90.10}', 'TRUST_PROXY: none'),
  ],
  [
    'gateway-settings',
    'TRUST_PROXY: 0.0.0.0/0',
    inCompose('TRUST_PROXY: ${NGINX_ADDRESS:-172.28.90.10}', 'TRUST_PROXY: 0.0.0.0/0'),
  ],
  [
    'trusted-proxies',
    'ipv4_address: ${NGINX_ADDRESS:-172.28.90.10}',
    inCompose('TRUST_PROXY: ${NGINX_ADDRESS:-172.28.90.10}', 'TRUST_PROXY: 10.0.0.0/8'),
  ],
  ['trusted-proxies', 'location /', edit(FORWARD, 'proxy_set_header X-Forwarded-For $remote_addr;\n', '')],
  [
    'trusted-proxies',
    'set_real_ip_from 0.0.0.0/0',
    inCompose("'${NGINX_TRUSTED_PROXY:-unix:}'", '0.0.0.0/0'),
  ],

  [
    'trusted-proxies hidden-paths',
    'ports: ${GATEWAY_PUBLISH:-0.0.0.0:8080}:8080',
    inCompose('TRUST_PROXY: ${NGINX_ADDRESS:-172.28.90.10}', "TRUST_PROXY: '1'"),
    inCompose('${GATEWAY_PUBLISH:-127.0.0.1:8080}', '${GATEWAY_PUBLISH:-0.0.0.0:8080}'),
  ],

  ...['0.0.0.0/1,128.0.0.0/1', '128.0.0.0/1,172.28.90.10'].map(
    (ranges) =>
      [
        'gateway-settings',
        `TRUST_PROXY: ${ranges}`,
        inCompose('TRUST_PROXY: ${NGINX_ADDRESS:-172.28.90.10}', `TRUST_PROXY: ${ranges}`),
      ] as const,
  ),
  [
    'trusted-proxies hidden-paths',
    'TRUST_PROXY: 172.16.0.0/12',
    inCompose('TRUST_PROXY: ${NGINX_ADDRESS:-172.28.90.10}', 'TRUST_PROXY: 172.16.0.0/12'),
    inCompose('${GATEWAY_PUBLISH:-127.0.0.1:8080}', '8080'),
  ],
  ...(
    [
      ['X-Forwarded-For $remote_addr', 'X-Forwarded-For $http_x_forwarded_for'],
      ['X-Forwarded-For $remote_addr', "X-Forwarded-For ''"],
      ['X-Forwarded-For $remote_addr', 'X-Forwarded-For 10.0.0.1'],
      ['X-Forwarded-For $remote_addr', 'X-Forwarded-For $pool'],
      ['X-Forwarded-Proto $forwarded_proto', 'X-Forwarded-Proto $http_x_forwarded_proto'],
      ['X-Request-ID $exchange_id', 'X-Request-ID $http_x_request_id'],
      ['X-Request-ID $exchange_id', 'X-Request-ID $kept'],
    ] as const
  ).map(
    ([from, to]) =>
      [
        'trusted-proxies',
        `proxy_set_header ${to}`,
        edit(FORWARD, from, to),
        pool('default $remote_addr; x $http_x_client;'),
        inTemplate(
          '# ---- who asks',
          'map $http_x_request_id $kept { "~^(?<kept_id>.+)$" $kept_id; }\n# ---- who asks',
        ),
      ] as const,
  ),

  ['hidden-paths', 'location /', inTemplate(HIDES, '')],
  ['hidden-paths', 'api-gateway responds to /METRICS', inTemplate('~* ^/(?:metrics', '~ ^/(?:metrics')],
  ['hidden-paths', 'api-gateway responds to /metrics/', inTemplate('metrics(?:/|$)', 'metrics$')],
  ['hidden-paths', 'ports: 8080:8080', inCompose('${GATEWAY_PUBLISH:-127.0.0.1:8080}', '8080')],
  [
    'hidden-paths names',
    'network_mode: host',
    inCompose(
      "ports: ['${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']",
      'network_mode: host\n    networks: !reset []',
    ),
  ],
  [
    'hidden-paths',
    'location = /metrics',
    server(
      'include includes/forward.conf; proxy_set_header Connection ""; location = /metrics { proxy_pass http://gateways; }',
    ),
  ],
  [
    'hidden-paths',
    'location = /stats',
    inServer('location = /stats { proxy_pass http://gateways/metrics; }'),
  ],
  ['hidden-paths', 'location /inside/', inServer('location /inside/ { proxy_pass http://gateways/; }')],
  [
    'hidden-paths',
    'location ~* ^/(?:metrics(?:/|$)|health/.)',
    inTemplate(HIDES, HIDES.replace('return 404', 'allow all; deny all; proxy_pass http://gateways')),
  ],
  [
    'hidden-paths',
    'location ~ ^/metrics',
    inTemplate(
      'proxy_pass http://gateways;\n  }\n\n  # Used',
      'proxy_pass http://gateways;\n    location ~ ^/metrics { proxy_pass http://gateways; }\n  }\n\n  # Used',
    ),
  ],
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
  ['secrets', 'JWT_SIGNING_KEY: (hidden)', gatewayHas('JWT_SIGNING_KEY', 'hunter2')],
  ['secrets', 'REDIS_PASS: (hidden)', gatewayHas('REDIS_PASS', 'hunter2')],
  ['secrets', 'AWS_ACCESS_KEY_ID: (hidden)', gatewayHas('AWS_ACCESS_KEY_ID', 'hunter2')],
  ['secrets', 'STORE: (hidden)', gatewayHas('STORE', 'mongodb+srv://me:hunter2@db.example.com')],
  [
    'secrets',
    'command: redis-server --requirepass (hidden)',
    inCompose('[redis-server, /etc/redis/redis.conf]', '[redis-server, --requirepass, hunter2]'),
  ],
  [
    'secrets',
    'command: redis-server --requirepass (hidden)',
    inCompose(
      '[redis-server, /etc/redis/redis.conf]',
      "redis-server --requirepass '${REDIS_PASSWORD:-hunter2}'",
    ),
  ],
  [
    'secrets',
    'content of jwt_secret: (hidden)',
    inCompose(
      "jwt_secret: { file: '${SECRETS_DIR:-./secrets}/jwt_secret' }",
      'jwt_secret: { content: hunter2 }',
    ),
  ],
  [
    'secrets',
    'GRAFANA_PASSWORD: (hidden)',
    edit('.env.example', 'LOG_LEVEL=info', 'LOG_LEVEL=info\nexport GRAFANA_PASSWORD = open-sesame'),
  ],
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
    edit('Dockerfile', GATEWAY_CMD, 'CMD node dist/apps/gateway/src/main.js'),
  ],
  [
    'first-process',
    'command: npm run start',
    inCompose(
      "    ports: ['${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']",
      "    ports: ['${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']\n    command: npm run start",
    ),
  ],

  ...(
    [
      ['command: /usr/local/bin/npm start', '[/usr/local/bin/npm, start]'],
      ['command: sh -c node main.js', "[sh, -c, 'node main.js']"],
      ['command: sh -ec node main.js', "[sh, -ec, 'node main.js']"],
      ['command: sh -c exec npm start', "[sh, -c, 'exec npm start']"],
      ['command: sh -c exec true; node main.js', "[sh, -c, 'exec true; node main.js']"],
    ] as const
  ).map(([text, command]) => ['first-process', text, gatewayRuns(command)] as const),
  [
    'first-process',
    'CMD ["npm", "run", "start"]',
    edit('Dockerfile', GATEWAY_CMD, 'ENTRYPOINT ["/usr/bin/tini", "-g", "--"]\nCMD ["npm", "run", "start"]'),
  ],

  ['memory', 'no mem_limit of api-gateway', inCompose('  mem_limit: 512m\n  tmpfs', '  tmpfs')],
  [
    'memory',
    'command: node --max-old-space-size=480 dist/apps/gateway/src/main.js',
    gatewayRuns('[node, --max-old-space-size=480, dist/apps/gateway/src/main.js]'),
    gatewayHas('NODE_OPTIONS', '--max-old-space-size=200'),
  ],
  ['memory', 'mem_limit: 384m', inCompose('  mem_limit: 512m\n  tmpfs', '  mem_limit: 384m\n  tmpfs')],
  [
    'memory',
    'NODE_OPTIONS: --enable-source-maps --max-old-space-size=400',
    gatewayHas('NODE_OPTIONS', '--enable-source-maps --max-old-space-size=400'),
  ],
  ['memory', 'WEBSOCKET_MAX_BUFFER_BYTES: 268435456', gatewayHas('WEBSOCKET_MAX_BUFFER_BYTES', '268435456')],
  ['gateway-settings', 'WEBSOCKET_MAX_BUFFER_BYTES: 1000', gatewayHas('WEBSOCKET_MAX_BUFFER_BYTES', '1000')],

  ['replicas', 'GATEWAY_REPLICAS: 3', inCompose("GATEWAY_REPLICAS: '2'", "GATEWAY_REPLICAS: '3'")],
  [
    'replicas',
    'upstream gateways: 1 server',
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
    'CHAT_SERVICE_URL: ${CHAT_SERVICE_URL:-dns://chat-service:8080}',
    inCompose('-dns://chat-service:8082}', '-dns://chat-service:8080}'),
  ],
  [
    'names',
    'CHAT_SERVICE_URL: ${CHAT_SERVICE_URL:-dns://talk-service:8082}',
    inCompose('-dns://chat-service:8082}', '-dns://talk-service:8082}'),
  ],
  [
    'names',
    'server api-gateway:8080 max_fails=0',
    inCompose("GATEWAY_RESOLVE: '${GATEWAY_RESOLVE- resolve}'", "GATEWAY_RESOLVE: ''"),
  ],
  [
    'names',
    'VIDEO_SERVICE_URL: ${VIDEO_SERVICE_URL:-dns://video-service:8083}',
    inCompose('networks: [video]', 'networks: [elsewhere]'),
  ],
  [
    'names start-order',
    'REDIS_URL: redis://cache',
    inCompose(
      '    REDIS_URL_FILE: /run/secrets/redis_gateway_url\n    # Only',
      '    REDIS_URL: redis://cache\n    # Only',
    ),
  ],

  [
    'replicas',
    'upstream gateways: 2 servers',
    inCompose(
      '  api-gateway-2:\n    <<: *gateway\n',
      '  api-gateway-2:\n    <<: *gateway\n    profiles: [canary]\n',
    ),
  ],

  [
    'names start-order',
    'REDIS_HOST: cache',
    inCompose(
      '    REDIS_URL_FILE: /run/secrets/redis_gateway_url\n    # Only',
      '    REDIS_HOST: cache\n    # Only',
    ),
  ],
  [
    'configuration',
    'AUTH_SERVICE_TLS_CERT_FILE: /run/secrets/tls_crt',
    authIsAt('https://auth-service:8080'),
    gatewayIsGiven('tls_crt'),
    gatewayHas('AUTH_SERVICE_TLS_CERT_FILE', '/run/secrets/tls_crt'),
  ],
  ...['/run/secrets/ca', '/run/secrets/tls_crt/ca', '/certs/ca.pem', '/ca/ca.pem'].map(
    (path): (typeof BREAKS)[number] => [
      'tls',
      `${AUTH_CA}: ${path}`,
      authIsAt('https://auth-service:8080'),
      gatewayIsGiven('tls_crt', '  volumes: [./configs/redis:/ca.d:ro, certificates:/certs.d]\n'),
      gatewayHas(AUTH_CA, path),
    ],
  ),
  [
    'tls',
    `${AUTH_CA}: /run/secrets/tls_crt`,
    authIsAt('http://auth-service:8080'),
    gatewayIsGiven('tls_crt'),
    gatewayHas(AUTH_CA, '/run/secrets/tls_crt'),
  ],
  [
    'tls',
    'AUTH_SERVICE_URL: ${AUTH_SERVICE_URL:-dns://auth-service:8080}',
    gatewayHas('AUTH_SERVICE_TLS_SERVER_NAME', 'auth.example.com'),
  ],
  [
    'tls',
    'BILLING_SERVICE_TLS_SERVER_NAME: billing.example.com',
    gatewayHas('BILLING_SERVICE_TLS_SERVER_NAME', 'billing.example.com'),
  ],
  ...['auth-service', 'auth.internal'].map((host): (typeof BREAKS)[number] => [
    'tls',
    `AUTH_SERVICE_URL: https://${host}:8080`,
    authIsAt(`https://${host}:8080`),
  ]),
  [
    'tls',
    'AUTH_SERVICE_TLS_SERVER_NAME: auth.internal',
    authIsAt('https://auth.example.com'),
    gatewayHas('AUTH_SERVICE_TLS_SERVER_NAME', 'auth.internal'),
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

/** Edits that look like a fault and are none. */
const SOUND: readonly (readonly [what: string, ...edits: Edit[]])[] = [
  [
    'a map between two pools',
    everywhere('$pool'),
    pool('default gateways; chat gateways_websocket;'),
    inTemplate(
      'least_conn;\n  server ${GATEWAY_1}${GATEWAY_RESOLVE} max_fails=0;',
      'keepalive 8;\n  least_conn;\n  server ${GATEWAY_1}${GATEWAY_RESOLVE} max_fails=0;',
    ),
  ],
  ['an address with the request behind it', everywhere('gateways$request_uri')],
  [
    'a variable of set',
    inTemplate('  # As large as', '  set $to gateways;\n  # As large as'),
    everywhere('$to'),
  ],
  ['one location for all, with a map', ...inOne('proxy_set_header Connection $connection_upgrade;')],
  ['a web server of pages alone', firstService('image: nginx:alpine')],
  ['an exporter under the name of nginx', firstService('image: nginx/nginx-prometheus-exporter:1')],
  [
    'services that call each other',
    inCompose(
      '      SERVICE: auth\n',
      '      SERVICE: auth\n      CHAT_SERVICE_URL: http://chat-service:8082\n',
    ),
  ],
  [
    'a gateway that no profile starts',
    inCompose(
      '  api-gateway-2:\n    <<: *gateway\n',
      '  api-gateway-2:\n    <<: *gateway\n  canary:\n    <<: *gateway\n    profiles: [canary]\n',
    ),
  ],
  [
    'a Redis of another name',
    inCompose('depends_on: { redis: {', 'depends_on: { cache: {'),
    inCompose('  redis:\n    <<: *every', '  cache:\n    <<: *every'),
  ],
  [
    'a real address of nginx',
    edit(FORWARD, 'X-Forwarded-For $remote_addr', 'X-Forwarded-For $realip_remote_addr'),
  ],
  [
    'a list of addresses',
    edit(FORWARD, 'X-Forwarded-For $remote_addr', 'X-Forwarded-For $proxy_add_x_forwarded_for'),
  ],
  [
    'a hidden path in all cases of letters',
    inTemplate('location ~* ^/(?:metrics', 'location ~ (?i)^/(?:metrics'),
  ],
  [
    'a hidden path that is open to the internal network',
    inTemplate(HIDES, HIDES.replace('return 404', 'allow 10.0.0.0/8; deny all; proxy_pass http://gateways')),
  ],
  [
    'a shell that a command replaces',
    edit('Dockerfile', GATEWAY_CMD, 'CMD exec node dist/apps/gateway/src/main.js'),
  ],
  [
    'a shell that its last command replaces',
    gatewayRuns(`[sh, -ec, 'npm run migrate && exec node main.js']`),
  ],
  ['an init', gatewayRuns('[tini, --, node, main.js]')],
  ['a program by its path', gatewayCheck('[CMD, /usr/local/bin/node, health-check.mjs]')],
  ['a script of its own', gatewayCheck('[CMD, /app/check]')],
  [
    'an image of a registry with a port',
    inCompose('${NGINX_IMAGE:-nginx:1.29}', '${NGINX_IMAGE:-registry.example.com:5000/nginx:1.29-alpine}'),
    nginxCheck("[CMD, wget, -q, 'http://127.0.0.1:8081/health']"),
  ],
  [
    'an ENV that contains an ARG',
    edit(
      'Dockerfile',
      'ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080',
      'ARG APP_PORT=8080\nENV PORT=${APP_PORT}',
    ),
    edit('Dockerfile', 'EXPOSE 8080', 'ENV SLOW_REQUEST_MS=${PORT}'),
  ],
  [
    'arguments that are no passwords',
    inCompose(
      '[redis-server, /etc/redis/redis.conf]',
      "[redis-server, /etc/redis/redis.conf, -a, 0.0.0.0, --user, '1:1']",
    ),
  ],
  ...(
    [
      ['a secret', '/run/secrets/tls_crt', gatewayIsGiven('tls_crt')],
      ['a secret by another name', '/run/secrets/ca', gatewayIsGiven('{ source: tls_crt, target: ca }')],
      [
        'a secret at another place',
        '/certs/ca.pem',
        gatewayIsGiven('{ source: tls_crt, target: /certs/ca.pem }'),
      ],
      ['a config', '/auth-ca', gatewayIsGiven('tls_crt', '  configs: [auth-ca]\n')],
      ['a volume', '/certs/ca.pem', gatewayIsGiven('tls_crt', '  volumes: [certificates:/certs]\n')],
      [
        'a folder of this machine',
        '/certs/auth/ca.pem',
        gatewayIsGiven('tls_crt', '  volumes: [./certs/:/certs/:ro]\n'),
      ],
      [
        'its image, copied',
        '/certs/ca.pem',
        edit('Dockerfile', 'AS gateway\n', 'AS gateway\nCOPY certs /certs\n'),
      ],
      [
        'its image, fetched',
        '/certs/ca.pem',
        edit('Dockerfile', 'AS gateway\n', 'AS gateway\nRUN curl -o /certs/ca.pem https://ca.example.com\n'),
      ],
      ['the image below', '/etc/ssl/certs/ca-certificates.crt', gatewayHas('LANG', 'C')],
    ] as const
  ).map(([from, path, given]): (typeof SOUND)[number] => [
    `a CA file of ${from}`,
    authIsAt('https://auth-service:8080'),
    given,
    edit(COMPOSE, '    DRAIN_TIMEOUT_MS:', `    ${AUTH_CA}: ${path}\n    DRAIN_TIMEOUT_MS:`),
  ]),
  [
    'TLS by the name of another',
    authIsAt('https://auth-service:8080'),
    gatewayHas('AUTH_SERVICE_TLS_SERVER_NAME', 'auth.example.com'),
  ],
  ['TLS to a public name', authIsAt('https://auth.example.com')],
  ['TLS to an address', authIsAt('https://10.1.2.3:8443')],
  ['TLS to an IPv6 address', authIsAt('https://[fd00::1]:8443')],
  [
    'authorities of its own for all of Node',
    authIsAt('https://auth-service:8080'),
    gatewayHas('NODE_EXTRA_CA_CERTS', '/run/secrets/ca'),
  ],
  [
    "the system's authorities",
    authIsAt('https://auth-service:8080'),
    gatewayHas('NODE_OPTIONS', '--use-system-ca'),
  ],
  ['stages in another case', edit('Dockerfile', 'FROM base AS gateway', 'FROM Base AS Gateway')],
  [
    'ports with their protocol',
    inCompose(
      "    volumes: ['auth-data:/data']\n",
      "    volumes: ['auth-data:/data']\n    expose: ['8080/tcp']\n",
    ),
  ],
];

describe('the rules', () => {
  it.each(SOUND.map(([what, ...edits]) => ({ what, edits })))('hold with $what', async ({ edits }) => {
    await using own = await OwnFiles.copy(...edits);

    expect(own.examine().findings.map(({ rule, expected }) => [rule, expected])).toEqual([]);
  });

  it("hold in the product's own files", async () => {
    await using own = await OwnFiles.copy();

    expect(own.examine().findings).toEqual([]);
  });

  const breaks = BREAKS.map(([rules, text, ...edits]) => ({ rules, text, edits }));
  it.each(breaks)('$rules: found, and no other, if "$text" disagrees', async ({ rules, text, edits }) => {
    await using own = await OwnFiles.copy(...edits);
    const { findings } = own.examine();

    expect(new Set(findings.map((finding) => finding.rule))).toEqual(new Set(rules.split(' ')));
    const places = findings.flatMap((finding) => finding.places);
    expect(places.map((place) => place.text)).toContain(text);
    expect(places.filter(({ at }) => at.line === undefined)).toEqual([]);
    for (const finding of findings) {
      expect(finding.expected).not.toBe('');
      expect(finding.impact).toMatch(/\w\.$/);
    }
  });

  it('are those of the README', async () => {
    const readme = await readFile('libs/doctor/README.md', 'utf8');
    const listed = [...readme.matchAll(/^\| `([\w-]+)` +\|/gm)].map(([, name]) => name);

    expect(listed).toEqual(RULES.map(({ name }) => name));
  });

  it('has a break for each of them', async () => {
    await using own = await OwnFiles.copy();

    expect(new Set(BREAKS.flatMap(([rules]) => rules.split(' ')))).toEqual(new Set(own.examine().rules));
  });
});
