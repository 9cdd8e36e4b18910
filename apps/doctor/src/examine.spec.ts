import { readFile } from 'node:fs/promises';
import { Upstream, type UpstreamOptions } from '@app/proxy';
import { Module } from '@nestjs/common';
import { upstreamsOf } from './chain/route-tables.js';
import { OwnFiles, placesOf } from '../test/own-files.js';

const COMPOSE = 'docker-compose.yml';
const TEMPLATE = 'configs/nginx/templates/gateway.conf.template';

const billing: UpstreamOptions = {
  name: 'billing-service',
  instances: { compose: ['http://storage-service:8080'], local: [] },
  routes: [{ methods: ['POST'], path: '/v1/reports', deadlineMs: 90_000 }],
};

@Upstream(billing)
class BillingUpstream {}

@Module({ providers: [BillingUpstream] })
class BillingModule {}

describe('examine', () => {
  it("reads the rows of a team's own module, in whatever way it is imported", () => {
    expect(upstreamsOf({ module: class {}, imports: [{ module: BillingModule }] })).toEqual([billing]);
  });

  it('holds a row with its own deadline against the location that carries it', async () => {
    await using own = await OwnFiles.copy();
    const { findings } = own.examine({}, [billing]);

    expect(findings.map(({ rule, places }) => [rule, ...places.map(({ says }) => says)])).toEqual([
      ['clocks', 'proxy_read_timeout 60s', 'POST /v1/reports: deadlineMs 90000'],
    ]);
  });

  it('lays one compose file over another, and names the line in the later one', async () => {
    await using own = await OwnFiles.copy();
    await own.write(
      'over.yml',
      'services:\n  api-gateway:\n    environment:\n      - DRAIN_TIMEOUT_MS=50000\n',
    );
    const { findings } = own.examine({ compose: [COMPOSE, 'over.yml'] });

    expect(findings.map(({ rule }) => rule)).toEqual(['drain']);
    expect(placesOf(findings[0]!)).toContain('over.yml:4: DRAIN_TIMEOUT_MS: 50000');
  });

  it('holds in the files that the tests of the stack lay over the compose file', async () => {
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
    expect(findings.map(({ places }) => places[0].says)).toEqual(['set_real_ip_from 0.0.0.0/0']);
  });

  it('takes every target of Prometheus for a service of the compose file', async () => {
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

    expect(findings.map(({ rule, places, wants }) => [rule, places[0].at.line, wants])).toEqual([
      ['names', 3, 'port 6379 of redis'],
      ['names', 3, 'a service called exporter'],
      ['names', 5, 'a service called api-gateway-9'],
      ['names', 7, 'a service called alarm'],
    ]);
  });

  it('says what it did not look at', async () => {
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
      'no nginx was found: what is compared with it was not looked at',
      'no gateway was found: what is compared with it was not looked at',
    ]);
  });

  it('reads the configuration that the image of nginx copies, and one that is named by hand', async () => {
    await using own = await OwnFiles.copy();
    await own.write('nginx.Dockerfile', 'FROM nginx:1.29\nCOPY broken.conf /etc/nginx/nginx.conf\n');
    await own.write('broken.conf', 'events {}\nhttp {\n  server {\n');
    const build =
      'services: { gateway: { build: { dockerfile: nginx.Dockerfile }, volumes: !override [] } }\n';
    await own.write('over.yml', build);

    expect(() => own.examine({ compose: [COMPOSE, 'over.yml'] })).toThrow(
      'broken.conf:3: the { of this line',
    );
    expect(() => own.examine({ nginx: 'broken.conf' })).toThrow('broken.conf:3: the { of this line');
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
    ])('where %s is %j', async (file, text, fault) => {
      await using own = await OwnFiles.copy();
      await own.write(file, text);

      expect(() => own.examine()).toThrow(fault);
    });

    it('where includes multiply', async () => {
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

    it('where a file is missing or a folder', async () => {
      await using own = await OwnFiles.copy();

      expect(() => own.examine({ compose: ['gone.yml'] })).toThrow('gone.yml: ENOENT');
      expect(() => own.examine({ compose: ['configs'] })).toThrow('configs: is no regular file');
      expect(() => own.examine({ env: 'gone.env' })).toThrow('gone.env: ENOENT');
      expect(() => own.examine({ prometheus: 'gone.yml' })).toThrow('gone.yml: ENOENT');
    });
  });
});
