// With --stand-ins for images of Debian's packages. Ports, network and project are others than those of .env.example, so
// that a system that runs already is left alone.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Compose, whyNot } from './compose.mjs';
import { JOURNEY } from './journey.mjs';
import { Load } from './load.mjs';
import { runProjectOnBase } from './project.mjs';

const HTTP_PORT = 19090;
const GATEWAY = '127.0.0.1:18080';
const PROMETHEUS = '127.0.0.1:19091';
const URL_OF_NGINX = `http://127.0.0.1:${HTTP_PORT}`;
const SERVICES = ['auth-service', 'chat-service', 'video-service', 'storage-service'];
/** Milliseconds of load before the first change, and after each. */
const SETTLE_MS = 3_000;

const reason = whyNot();
if (reason) {
  console.log(`skipped: ${reason}\n0 passed, 0 failed`);
  process.exit(0);
}

const secrets = mkdtempSync(join(tmpdir(), 'secureconnect-secrets-'));
const areStandIns = process.argv.includes('--stand-ins');
const compose = new Compose({
  COMPOSE_FILE: [
    'docker-compose.yml',
    'test/stack/test.yml',
    ...(areStandIns ? ['test/stack/stand-ins.yml'] : []),
  ].join(':'),
  COMPOSE_PROJECT_NAME: 'secureconnect-test',
  SECRETS_DIR: secrets,
  NGINX_HTTP_PORT: String(HTTP_PORT),
  NGINX_HTTPS_PORT: '19443',
  GATEWAY_PUBLISH: GATEWAY,
  PROMETHEUS_PUBLISH: PROMETHEUS,
  GRAFANA_PUBLISH: '127.0.0.1:13000',
  EDGE_SUBNET: '172.28.91.0/24',
  EDGE_DYNAMIC_RANGE: '172.28.91.128/25',
  NGINX_ADDRESS: '172.28.91.10',
  GATEWAY_1_ADDRESS: '172.28.91.11',
  GATEWAY_2_ADDRESS: '172.28.91.12',
  NGINX_REQUESTS_PER_SECOND: '100000',
  CORS_ALLOWED_ORIGINS: URL_OF_NGINX,
  PUBLIC_URL: URL_OF_NGINX,
});

let passed = 0;
let failed = 0;

async function step(name, work) {
  const begun = performance.now();
  try {
    const note = await work();
    passed++;
    console.log(
      `ok      ${name}${note ? `: ${note}` : ''} (${((performance.now() - begun) / 1000).toFixed(1)} s)`,
    );
    return true;
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${error.message}`);
    return false;
  }
}

const expect = (isTrue, message) => {
  if (!isTrue) throw new Error(message);
};

async function up() {
  const begun = performance.now();
  await compose.run('up', '-d', '--no-build');
  await compose.healthy();
  return `healthy ${((performance.now() - begun) / 1000).toFixed(1)} s after up`;
}

/** Starts what watches the system, as far as its images are there, and asks Prometheus whom it reaches. */
async function watches() {
  const images = areStandIns ? ['prometheus', 'alertmanager'] : [];
  await compose.run('--profile', 'monitoring', 'up', '-d', '--no-build', '--no-recreate', ...images);
  await compose.healthy();
  const ask = async (path) => (await (await fetch(`http://${PROMETHEUS}/api/v1/${path}`)).json()).data;
  const others = areStandIns ? ['redis'] : [];
  for (const until = Date.now() + 60_000; ;) {
    const { activeTargets } = await ask('targets?state=active');
    const missing = activeTargets.filter(
      ({ health, labels }) => health !== 'up' && !others.includes(labels.job),
    );
    if (activeTargets.length > 0 && missing.length === 0) break;
    expect(Date.now() < until, `not reached: ${missing.map(({ scrapeUrl }) => scrapeUrl).join(', ')}`);
    await delay(500);
  }
  const { groups } = await ask('rules');
  const rules = groups.flatMap((group) => group.rules);
  const broken = rules.filter(({ health }) => health === 'err').map(({ name }) => name);
  expect(rules.length > 0 && broken.length === 0, `broken rules: ${broken.join(', ')}`);
  return `${rules.length} rules`;
}

/** One change under load: nobody may notice. */
async function unnoticed(load, change) {
  const before = { failures: load.failures.length, requests: load.requests };
  load.takeLongestMs();
  await change();
  await delay(SETTLE_MS);
  const failures = load.failures.slice(before.failures);
  const codes = [...load.closes.keys()].filter((code) => code !== 1012);
  expect(failures.length === 0, `${failures.length} failed: ${[...new Set(failures)].join(', ')}`);
  expect(codes.length === 0, `sockets were closed with ${codes.join(', ')}`);
  return `${load.requests - before.requests} requests, 0 failed, longest ${load.takeLongestMs()} ms`;
}

async function end() {
  try {
    await compose.run('--profile', 'monitoring', 'down', '-v', '--remove-orphans');
  } finally {
    rmSync(secrets, { recursive: true, force: true });
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => void end().finally(() => process.exit(1)));
}

try {
  await compose.call('scripts/make-secrets');
  const isUp =
    (await step('the images are built', async () => void (await compose.run('build')))) &&
    (await step('the system comes up', up));
  await step("a new project's image begins with the base", () =>
    runProjectOnBase(areStandIns ? 'host' : undefined),
  );
  if (isUp) {
    await step('the gateway alone answers on its own port', async () => {
      const response = await fetch(`http://${GATEWAY}/health`);
      expect(response.status === 200, `answered ${response.status}`);
    });
    for (const [name, work] of Object.entries(JOURNEY)) await step(name, () => work(URL_OF_NGINX));

    await step('Prometheus reaches everybody, and its rules hold', watches);

    const load = await Load.start(URL_OF_NGINX, { clients: 8, sockets: 20 });
    await delay(SETTLE_MS);
    const roll = (name) =>
      step(`${name} is replaced`, () => unnoticed(load, () => compose.call('scripts/roll', name)));
    for (const name of ['api-gateway', 'api-gateway-2', ...SERVICES]) await roll(name);
    await step('redis restarts', () => unnoticed(load, () => compose.run('restart', 'redis')));
    await step('nginx reads its configuration anew', () =>
      unnoticed(load, () => compose.run('exec', '-T', 'nginx', 'nginx', '-s', 'reload')),
    );
    await load.stop();
    await step('every write that was acknowledged is there once', async () => {
      const wrong = await load.notOnce();
      expect(wrong.length === 0, `${wrong.length} are not`);
      const closes = [...load.closes].map(([code, count]) => `${count} closed with ${code}`).join(', ');
      return `${load.requests} requests, ${load.messages} messages over sockets, ${closes || 'no socket closed'}`;
    });
  }
} finally {
  await end();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
