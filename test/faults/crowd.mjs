import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { HOST } from './gateway.mjs';
import { signToken } from './token.mjs';

const PATIENCE_MS = 60_000;
const SLOW_MS = 3_000;
const SMALL = Buffer.alloc(64 * 1_024, 'small ');
const LARGE = Buffer.alloc(1_024 * 1_024, 'large ');

/** What the clients of a crowd do, in turns: wait for an answer, send what is taken slowly, and read slowly. */
const WAYS = ['wait', 'send', 'read'];

/** A service that takes its time with everything. */
export async function startSlowService() {
  const server = createServer((incoming, response) => {
    serveSlowly(incoming, response).catch(() => incoming.destroy());
  });
  server.listen({ host: HOST, port: 0, backlog: 4_096 });
  await once(server, 'listening');
  return { url: `http://${HOST}:${server.address().port}`, close: () => server.close() };
}

async function serveSlowly(incoming, response) {
  const way = new URL(incoming.url, 'http://service').searchParams.get('way');
  if (way === 'wait' || way === 'send') await delay(SLOW_MS);
  for await (const chunk of incoming) if (chunk.length > 0) await delay(20);
  response.end(way === 'wait' ? SMALL : way === 'read' ? LARGE : '{}');
}

/** As many clients, each over a connection of its own, all at once. @returns how many had which answer, and the longest wait */
export async function askAll(port, count) {
  const authorization = `Bearer ${signToken()}`;
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const asked = Array.from({ length: count }, (_, index) =>
    ask({ port, agent, authorization, way: WAYS[index % WAYS.length] }),
  );
  const outcomes = {};
  for (const outcome of await Promise.all(asked)) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  agent.destroy();
  return outcomes;
}

function ask({ port, agent, authorization, way }) {
  const { promise, resolve } = Promise.withResolvers();
  const isUpload = way === 'send';
  const outgoing = request({
    host: HOST,
    port,
    agent,
    method: isUpload ? 'POST' : 'GET',
    path: `/v1/messages?way=${way}`,
    headers: { authorization, ...(isUpload && { 'content-length': LARGE.length }) },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  let hasAnswer = false;
  // Once there is an answer, what else happens to a body that nobody wants is not a failure.
  outgoing.on('error', (error) => hasAnswer || resolve(`lost: ${error.code ?? error.name}`));
  outgoing.on('response', (response) => {
    hasAnswer = true;
    const { statusCode, headers } = response;
    const gateways = headers['x-gateway-error'];
    const missing = gateways && statusCode === 503 && !headers['retry-after'] ? ' without Retry-After' : '';
    response.on('error', () => resolve('lost: truncated'));
    response.on('end', () =>
      resolve(gateways ? `${statusCode} ${String(gateways)}${missing}` : String(statusCode)),
    );
    setTimeout(() => response.resume(), way === 'read' ? SLOW_MS : 0);
  });
  outgoing.end(isUpload ? LARGE : undefined);
  return promise;
}
