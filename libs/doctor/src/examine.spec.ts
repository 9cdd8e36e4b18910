import { spawnSync } from 'node:child_process';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { upstreamsOf } from '@app/gateway/internal';
import { Upstream, type UpstreamOptions } from '@app/proxy';
import { Module } from '@nestjs/common';
import { OwnFiles, placesOf } from '../test/own-files.js';

const COMPOSE = 'docker-compose.yml';
const TEMPLATE = 'configs/nginx/templates/gateway.conf.template';

const billing: UpstreamOptions = {
  name: 'billing-service',
  instances: [],
  routes: [{ methods: ['POST'], path: '/v1/reports', requestTimeoutMs: 90_000 }],
};

@Upstream(billing)
class BillingUpstream {}

@Module({ providers: [BillingUpstream] })
class BillingModule {}

describe('examine', () => {
  it("reads the routes of a team's own module, however it is imported", () => {
    expect(upstreamsOf({ module: class {}, imports: [{ module: BillingModule }] })).toEqual([billing]);
  });

  it('compares the timeout of a route with the location that passes it', async () => {
    await using own = await OwnFiles.copy();
    const { findings } = own.examine({}, [billing]);

    expect(findings.map(({ rule, places }) => [rule, ...places.map(({ text }) => text)])).toEqual([
      ['timeouts', 'proxy_read_timeout 60s', 'POST /v1/reports: requestTimeoutMs 90000'],
    ]);
  });

  it('compares the idle timeout of a route with the location that passes it', async () => {
    await using own = await OwnFiles.copy();
    const { findings } = own.examine({}, [
      { ...billing, routes: [{ methods: ['POST'], path: '/v1/reports', streamIdleTimeoutMs: 90_000 }] },
    ]);

    expect(findings.map(({ rule, places }) => [rule, ...places.map(({ text }) => text)])).toEqual([
      ['timeouts', 'proxy_read_timeout 60s', 'POST /v1/reports: streamIdleTimeoutMs 90000'],
    ]);
  });

  it('compares the timeouts of a route with the time that connects take', async () => {
    await using own = await OwnFiles.copy();
    const [route] = billing.routes;
    const { findings } = own.examine({}, [
      { ...billing, routes: [{ ...route!, requestTimeoutMs: 10_000, responseHeadersTimeoutMs: 9_000 }] },
    ]);

    expect(findings.map(({ rule, places }) => [rule, ...places.map(({ text }) => text)])).toEqual([
      ['timeouts', 'POST /v1/reports: responseHeadersTimeoutMs 9000'],
    ]);
  });

  it('merges compose files, and names the line in the later one', async () => {
    await using own = await OwnFiles.copy();
    await own.write(
      'over.yml',
      'services:\n  api-gateway:\n    environment:\n      - DRAIN_TIMEOUT_MS=50000\n',
    );
    const { findings } = own.examine({ compose: [COMPOSE, 'over.yml'] });

    expect(findings.map(({ rule }) => rule)).toEqual(['drain']);
    expect(placesOf(findings[0]!)).toContain('over.yml:4: DRAIN_TIMEOUT_MS: 50000');
  });

  it('has no finding in the compose files of the tests of the stack', async () => {
    await using own = await OwnFiles.copy();
    for (const name of ['stand-ins.yml', 'test.yml'])
      await own.write(name, await readFile(`test/stack/${name}`));

    expect(own.examine({ compose: [COMPOSE, 'stand-ins.yml', 'test.yml'] }).findings).toEqual([]);
  });

  it('fills in variables from .env beside the compose file, or from another file', async () => {
    await using own = await OwnFiles.copy();
    await own.write('.env', 'NGINX_ADDRESS=172.28.90.99\n');
    await own.write('wide.env', 'NGINX_TRUSTED_PROXY=0.0.0.0/0\n');

    expect(own.examine().findings).toEqual([]);
    const { findings } = own.examine({ env: 'wide.env' });
    expect(findings.map(({ places }) => places[0].text)).toEqual(['set_real_ip_from 0.0.0.0/0']);
  });

  it('demands that every target of Prometheus is a service of the compose file', async () => {
    await using own = await OwnFiles.copy();
    await own.write(
      'prometheus.yml',
      [
        'scrape_configs:',
        '  - static_configs:',
        "      - targets: ['api-gateway:8080', 'localhost:9090', 'redis:9121', 'exporter:9113']",
        '  - dns_sd_configs:',
        '      - names: [tasks.api-gateway, api-gateway-9]',
        '        port: 8080',
        'alerting: { alertmanagers: [{ static_configs: [{ targets: [alarm:9093] }] }] }',
        '',
      ].join('\n'),
    );
    const { findings } = own.examine({ prometheus: 'prometheus.yml' });

    expect(findings.map(({ rule, places, expected }) => [rule, places[0].at.line, expected])).toEqual([
      ['names', 3, 'port 6379 of redis'],
      ['names', 3, 'a network that prometheus and redis share'],
      ['names', 3, 'a service called exporter'],
      ['names', 5, 'a service called api-gateway-9'],
      ['names', 7, 'a service called alarm'],
    ]);
  });

  it('finds the file of Prometheus in a folder with a slash behind it', async () => {
    await using own = await OwnFiles.copy();
    await own.edit({
      file: COMPOSE,
      from: '/prometheus:/etc/prometheus:ro',
      to: '/prometheus:/etc/prometheus/:ro',
    });
    await own.write(
      'configs/prometheus/prometheus.yml',
      "scrape_configs: [{ static_configs: [{ targets: ['gone:1'] }] }]\n",
    );

    expect(own.examine().findings.map(({ expected }) => expected)).toEqual(['a service called gone']);
  });

  it('says which rules it did not check', async () => {
    await using own = await OwnFiles.copy();
    await own.edit({
      file: COMPOSE,
      from: "    volumes: ['auth-data:/data']\n",
      to: "    volumes: ['auth-data:/data']\n    env_file: [more.env]\n",
    });
    await own.write('alone.yml', 'services:\n  web: { image: web }\n');

    expect(own.examine().notices).toContain(
      'auth-service: env_file is not read; its variables count as not set',
    );
    expect(own.examine({ compose: ['alone.yml'] }).notices).toEqual([
      'no nginx was found: the rules about nginx were not checked',
      'no gateway was found: the rules about gateways were not checked',
    ]);
  });

  it('reads the configuration that the image of nginx copies, and one that is given by path', async () => {
    await using own = await OwnFiles.copy();
    await own.write('nginx.Dockerfile', 'FROM nginx:1.29\nCOPY broken.conf /etc/nginx/nginx.conf\n');
    await own.write('broken.conf', 'events {}\nhttp {\n  server {\n');
    const build = 'services: { nginx: { build: { dockerfile: nginx.Dockerfile }, volumes: !override [] } }\n';
    await own.write('over.yml', build);

    expect(() => own.examine({ compose: [COMPOSE, 'over.yml'] })).toThrow(
      'broken.conf:3: the { of this line',
    );
    expect(() => own.examine({ nginx: 'broken.conf' })).toThrow('broken.conf:3: the { of this line');
  });

  it('reads the files that the image of nginx copies into a folder, from its build context', async () => {
    await using own = await OwnFiles.copy();
    await mkdir(join(own.root, 'edge'));
    await own.write('over.yml', 'services: { nginx: { build: ./edge, volumes: !override [] } }\n');
    await own.write('edge/broken.conf', 'http {\n  server {\n');
    await own.write('edge/nginx.conf', 'http {\n  server {\n');
    for (const copy of [
      'COPY nginx.conf /etc/nginx/',
      'COPY --chown=0:0 ./nginx.conf /etc/nginx',
      'COPY *.conf /etc/nginx/',
      'WORKDIR /etc/nginx\nCOPY nginx.conf .',
      'WORKDIR /etc\nCOPY broken.conf nginx/nginx.conf',
      'COPY . /etc/nginx',
      'ARG NAME=broken\nADD ${NAME}.conf /etc/nginx/nginx.conf',
    ]) {
      await own.write('edge/Dockerfile', `FROM nginx:1.29\n${copy}\n`);

      expect(() => own.examine({ compose: [COMPOSE, 'over.yml'] })).toThrow(
        /^edge\/\w+\.conf:2: the \{ of this line/,
      );
    }
    await own.write('edge/Dockerfile', 'FROM nginx:1.29\nCOPY gone.conf /etc/nginx/nginx.conf\n');
    expect(() => own.examine({ compose: [COMPOSE, 'over.yml'] })).toThrow(
      'edge/Dockerfile:2: edge/gone.conf, for /etc/nginx/nginx.conf, does not exist',
    );
  });

  it('finds the files that compose mounts by every kind of path, and names those that are missing', async () => {
    await using own = await OwnFiles.copy();
    const from = '- ./configs/nginx/nginx.conf:';
    const sources = [`- ${own.root}/configs/nginx/nginx.conf:`, '- ${PWD}/configs/nginx/nginx.conf:'];
    for (const [index, to] of sources.entries()) {
      await own.edit({ file: COMPOSE, from: index === 0 ? from : sources[index - 1]!, to });

      expect(own.examine().findings).toEqual([]);
      expect(own.examine().notices.join()).not.toContain('stock');
    }
    for (const gone of [
      '~/no-such-folder/nginx.conf',
      './configs/nginxx/nginx.conf',
      '/no/such/nginx.conf',
    ]) {
      await own.write(
        'over.yml',
        `services:\n  nginx:\n    volumes:\n      - ${gone}:/etc/nginx/nginx.conf\n`,
      );

      expect(() => own.examine({ compose: [COMPOSE, 'over.yml'] })).toThrow(
        /^over\.yml:4: \S+nginx\.conf, for \/etc\/nginx\/nginx\.conf, does not exist$/,
      );
    }
  });

  it("says so if it reads the image's own nginx.conf", async () => {
    await using own = await OwnFiles.copy();
    await own.write('site.conf', 'server { location / { proxy_pass http://api-gateway:8080; } }\n');
    await own.write(
      'over.yml',
      'services: { nginx: { volumes: !override [./site.conf:/etc/nginx/conf.d/site.conf] } }\n',
    );
    const { notices, findings } = own.examine({ compose: [COMPOSE, 'over.yml'] });

    expect(notices).toContain(
      'no nginx.conf is mounted or copied at /etc/nginx/nginx.conf: the stock file of the image is taken',
    );
    expect(findings.flatMap(({ places }) => places.map(({ text }) => text))).toContain('location /');
  });

  it('names the images that are built from files elsewhere', async () => {
    await using own = await OwnFiles.copy();
    for (const build of [
      'git@github.com:acme/app.git',
      'https://example.com/app.git#main',
      '/no/such/folder',
      '{ context: ., dockerfile_inline: "FROM node:24" }',
    ]) {
      await own.write('over.yml', `services: { other: { image: other, build: ${build} } }\n`);
      const { notices, findings } = own.examine({ compose: [COMPOSE, 'over.yml'] });

      expect(findings).toEqual([]);
      expect(notices.filter((notice) => notice.startsWith('other: '))).toHaveLength(1);
    }
  });

  it('names the regular expressions that it does not understand', async () => {
    await using own = await OwnFiles.copy();
    await own.edit({
      file: TEMPLATE,
      from: '  # As large as',
      to: '  location ~ ^/a(?>b)c { return 404; }\n  # As large as',
    });

    expect(own.examine().notices.join()).toMatch(
      /gateway\.conf\.template:\d+: location ~ \^\/a\(\?>b\)c: the regular/,
    );
  });

  it('reads only the folder of nginx', async () => {
    await using own = await OwnFiles.copy();
    await symlink('loop', join(own.root, 'loop'));
    await mkdir(join(own.root, 'pages'));
    await Promise.all(Array.from({ length: 2_001 }, (_, index) => own.write(`pages/${index}.html`, '')));
    await own.write(
      'over.yml',
      'services: { nginx: { volumes: [./loop:/x, ./pages:/usr/share/nginx/html] } }\n',
    );

    expect(own.examine({ compose: [COMPOSE, 'over.yml'] }).findings).toEqual([]);
    await own.write('over.yml', 'services: { nginx: { volumes: [./pages:/etc/nginx/conf.d] } }\n');
    await own.edit({
      file: 'configs/nginx/nginx.conf',
      from: 'include conf.d/gateway.conf',
      to: 'include conf.d/*',
    });
    expect(() => own.examine({ compose: [COMPOSE, 'over.yml'] })).toThrow('pages: has more than 2000 files');
    await own.write('over.yml', 'services: { nginx: { volumes: [./loop:/etc/nginx/conf.d] } }\n');
    expect(() => own.examine({ compose: [COMPOSE, 'over.yml'] })).toThrow(
      'loop: is a symbolic link that leads to itself',
    );
  });

  it('fills in variables of .env that contain others', async () => {
    await using own = await OwnFiles.copy();
    await own.edit({ file: COMPOSE, from: 'GATEWAY_2: api-gateway-2:8080', to: 'GATEWAY_2: ${G2}:8080' });
    await own.write('.env', 'B=api-gateway\nG2="${B}-2"\n');

    expect(own.examine().findings).toEqual([]);
  });

  it('shows no value of a variable, and no password', async () => {
    await using own = await OwnFiles.copy();
    await own.write('.env', 'REDIS_PASSWORD=hunter2\n');
    await own.edit({
      file: COMPOSE,
      from: '- REDISCLI_AUTH=$$(cat /run/secrets/redis_health_password) redis-cli -h 127.0.0.1 --user health ping | grep -q PONG',
      to: '- redis-cli -h localhost -a ${REDIS_PASSWORD} ping',
    });
    await own.edit({
      file: COMPOSE,
      from: "GATEWAY_REPLICAS: '2'",
      to: "GATEWAY_REPLICAS: '${REDIS_PASSWORD}'",
    });
    await own.edit({
      file: COMPOSE,
      from: '${CHAT_SERVICE_URL:-dns://chat-service:8082}',
      to: 'http://me:hunter2@chat-service:9999',
    });
    const report = own.examine();

    expect(report.findings.map(({ rule }) => rule)).toContain('configuration');
    expect(
      JSON.stringify(report.findings, (key, value: unknown) => (key === 'value' ? undefined : value)),
    ).not.toContain('hunter2');
  });

  it('names every fault of a configuration at its own line, and its variable', async () => {
    await using own = await OwnFiles.copy();
    await own.edit({
      file: COMPOSE,
      from: "    GATEWAY_REPLICAS: '2'",
      to: "    GATEWAY_REPLICAS: '2'\n    MAX_RETRIES: many\n    CONNECT_TIMEOUT_MS: '-1'",
    });
    const faults = own
      .examine()
      .findings.filter(({ places }) => places.at(-1)?.text === 'service api-gateway');

    expect(faults.map(({ places }) => places[0].text)).toEqual([
      'CONNECT_TIMEOUT_MS: -1',
      'MAX_RETRIES: many',
    ]);
    expect(new Set(faults.map(({ places }) => places[0].at.line)).size).toBe(2);
    expect(faults.map(({ expected }) => expected)).toEqual([
      expect.stringMatching(/^milliseconds, /),
      'a whole number, 0 to 2',
    ]);
  });

  describe('ends with the file and the line', () => {
    it.each([
      [TEMPLATE, 'a {\n  b\n}\n', `${TEMPLATE}:2: "b" has no ; at its end`],
      [TEMPLATE, 'include missing.conf;\n', `${TEMPLATE}:1: include missing.conf: no such file is mounted`],
      [TEMPLATE, 'include conf.d/gateway.conf;\n', `${TEMPLATE}:1: includes itself`],
      [TEMPLATE, 'include conf.d/*.conf;\n', `${TEMPLATE}:1: includes itself`],
      [TEMPLATE, 'a {'.repeat(5_000), `${TEMPLATE}:1: nests too deeply`],
      [TEMPLATE, `# ${'x'.repeat(2_000_000)}\n`, `${TEMPLATE}: has 2000003 bytes; at most`],
      [TEMPLATE, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1]), `${TEMPLATE}: is binary, not text`],
      [COMPOSE, 'services:\n  a: [\n', `${COMPOSE}:3: `],
      [COMPOSE, 'services:\n  a:\n    image: ${A\n', `${COMPOSE}:3: image has a \${ without its }`],
      [COMPOSE, 'services: {}\n', `${COMPOSE}:1: has no services`],
      [COMPOSE, '- a\n', `${COMPOSE}:1: is no mapping`],
      [COMPOSE, 'services:\n  a: text\n', `${COMPOSE}:2: is no mapping`],
      [COMPOSE, Buffer.from([0xff, 0xd8, 0, 0]), `${COMPOSE}: is binary, not text`],
      ['Dockerfile', 'FROM node:24\nRUNN true\n', 'Dockerfile:2: unknown instruction RUNN'],
      ['Dockerfile', 'RUN true\n', 'Dockerfile:1: has no FROM'],
      ['Dockerfile', 'FROM node:24 AS other\n', 'Dockerfile: has no stage "gateway"'],
    ])('if %s is %j', async (file, text, fault) => {
      await using own = await OwnFiles.copy();
      await own.write(file, text);

      expect(() => own.examine()).toThrow(fault);
    });

    it('if includes multiply', async () => {
      await using own = await OwnFiles.copy();
      await own.write(TEMPLATE, 'include includes/a0.conf;\n');
      for (let level = 0; level < 10; level++) {
        await own.write(
          `configs/nginx/includes/a${level}.conf`,
          `include includes/a${level + 1}.conf;\n`.repeat(10),
        );
      }
      await own.write('configs/nginx/includes/a10.conf', 'a;\n');

      expect(() => own.examine()).toThrow(/includes\/a\d\.conf:\d+: includes too many files in all/);
    });

    it.each([
      ['interval: 15s', 'interval: "15"', 'interval: 15 is no duration'],
      ['  retries: 3\n  start_period', '  retries: x\n  start_period', 'retries: x is no number'],
      [
        'finish.\n  stop_grace_period: 45s',
        'finish.\n  stop_grace_period: "45s\\e[2J"',
        'stop_grace_period: 45s\\u001b[2J is no duration',
      ],
      ['mem_limit: 512m\n  tmpfs', 'mem_limit: much\n  tmpfs', 'mem_limit: much is no size'],
      [
        "ports: ['${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080']",
        "ports: ['80:http']",
        'ports: 80:http is no port',
      ],
      [
        'LOG_LEVEL: ${LOG_LEVEL:-info}',
        "LOG_LEVEL: 'hunter2$ %x'",
        'LOG_LEVEL has a $ that names no variable',
      ],
    ])('if %j becomes %j', async (from, to, fault) => {
      await using own = await OwnFiles.copy();
      await own.edit({ file: COMPOSE, from, to });

      expect(() => own.examine()).toThrow(/^docker-compose\.yml:\d+: /);
      expect(() => own.examine()).toThrow(fault);
    });

    it('if a file is no regular file', async () => {
      await using own = await OwnFiles.copy();
      spawnSync('mkfifo', [join(own.root, 'pipe')]);
      await symlink('/dev/zero', join(own.root, 'zero'));

      expect(() => own.examine({ compose: ['pipe'] })).toThrow('pipe: is no regular file');
      expect(() => own.examine({ dockerfile: 'zero' })).toThrow('zero: is no regular file');
    });

    it('if a file is missing or a folder', async () => {
      await using own = await OwnFiles.copy();

      expect(() => own.examine({ compose: ['gone.yml'] })).toThrow('gone.yml: ENOENT');
      expect(() => own.examine({ compose: ['configs'] })).toThrow('configs: is no regular file');
      expect(() => own.examine({ env: 'gone.env' })).toThrow('gone.env: ENOENT');
      expect(() => own.examine({ prometheus: 'gone.yml' })).toThrow('gone.yml: ENOENT');
    });
  });
});
