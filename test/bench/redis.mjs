// What a dying Redis does to the gateway's clients: requests, failures and latency before, during and after a `kill -9`
// of Redis under load. Run it after a build, where redis-server is installed: `node test/bench/redis.mjs`.
import { spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const GATEWAY = fileURLToPath(new URL('../../dist/apps/gateway/src/main.js', import.meta.url));
const JWT_SECRET = 'a secret of the bench, long enough to be one';
const HOST = '127.0.0.1';
const CLIENTS = 32;
const PHASE_MS = 4_000;

async function freePort() {
  const server = createTcpServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** Starts a process and waits for a line that says it is ready. */
async function start(command, args, env, isReady) {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) {
    if (isReady(line)) {
      child.stdout.resume();
      return { child, line };
    }
  }
  throw new Error(`${command} did not start`);
}

function startRedis(port) {
  const args = ['--port', port, '--bind', HOST, '--save', '', '--appendonly', 'no'].map(String);
  return start('redis-server', args, {}, (line) => line.includes('Ready to accept connections'));
}

function token() {
  const now = Math.floor(Date.now() / 1000);
  const id = randomUUID();
  const claims = {
    user_id: id,
    sub: id,
    role: 'user',
    aud: 'secureconnect-api',
    iss: 'secureconnect-auth',
    jti: randomUUID(),
    iat: now,
    exp: now + 900,
  };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`;
}

/** One request at a time for each client, until the phase is over. */
async function measure(name, port, agent) {
  const until = performance.now() + PHASE_MS;
  const latencies = [];
  let failed = 0;
  const authorization = `Bearer ${token()}`;
  const ask = () =>
    new Promise((resolve) => {
      const request = get({ host: HOST, port, path: '/v1/messages', agent, headers: { authorization } });
      request.on('response', (response) => {
        response.resume().on('end', () => resolve(response.statusCode === 200));
      });
      request.on('error', () => resolve(false));
    });
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (performance.now() < until) {
        const begun = performance.now();
        if (!(await ask())) failed++;
        latencies.push(performance.now() - begun);
      }
    }),
  );
  latencies.sort((one, other) => one - other);
  const at = (share) => latencies[Math.floor((latencies.length - 1) * share)].toFixed(1);
  const rate = Math.round(latencies.length / (PHASE_MS / 1000));
  const figures = [rate, failed, at(0.5), at(0.99), at(1)].map((figure) => String(figure).padStart(10));
  console.log(name.padEnd(28) + figures.join(''));
}

const service = createServer((_request, response) => response.end('{}')).listen(0, HOST);
await once(service, 'listening');
const redisPort = await freePort();
let redis = await startRedis(redisPort);
const gateway = await start(
  process.execPath,
  [GATEWAY],
  {
    JWT_SECRET,
    PORT: '0',
    REDIS_URL: `redis://${HOST}:${redisPort}`,
    RATELIMIT_MESSAGES: '1000000',
    CHAT_SERVICE_URL: `http://${HOST}:${service.address().port}`,
  },
  (line) => line.includes('"listening"'),
);
const { port } = JSON.parse(gateway.line);
const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });

console.log(
  `${''.padEnd(28)}${['req/s', 'failed', 'p50 ms', 'p99 ms', 'max ms'].map((head) => head.padStart(10)).join('')}`,
);
await measure('warm-up', port, agent);
await measure('Redis well', port, agent);
const killing = delay(PHASE_MS / 4).then(() => redis.child.kill('SIGKILL'));
await measure('kill -9 after a quarter', port, agent);
await killing;
await measure('Redis away', port, agent);
const starting = delay(PHASE_MS / 4).then(() => startRedis(redisPort));
await measure('back after a quarter', port, agent);
redis = await starting;
await measure('Redis well again', port, agent);
process.exit();
