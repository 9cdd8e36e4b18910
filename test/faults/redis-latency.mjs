// Measures requests, failures and latency before, during and after a `kill -9` of Redis under load: `npm run bench:redis`.
// Needs redis-server.
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startRedis, startUntil } from './children.mjs';
import { HOST } from './gateway.mjs';
import { freePort } from '../support/free-port.mjs';
import { JWT_SECRET, signToken } from './token.mjs';

const GATEWAY = fileURLToPath(new URL('../../dist/apps/gateway/src/main.js', import.meta.url));
const CLIENTS = 32;
const PHASE_MS = 4_000;

/** One request at a time for each client, until the phase is over. */
async function measure(name, port, agent) {
  const until = performance.now() + PHASE_MS;
  const latencies = [];
  let failed = 0;
  const authorization = `Bearer ${signToken()}`;
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
const gateway = await startUntil((line) => line.includes('"listening"'), [process.execPath, GATEWAY], {
  JWT_SECRET,
  PORT: '0',
  REDIS_URL: `redis://${HOST}:${redisPort}`,
  RATELIMIT_MESSAGES: '1000000',
  CHAT_SERVICE_URL: `http://${HOST}:${service.address().port}`,
});
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
