import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bearer } from './support/gateway.js';
import { GatewayProcess } from './support/process.js';
import { freePort } from './support/service.js';
import { ServiceProcess, type ServiceName } from './support/system.js';

const CONVERSATION = randomUUID();
const CALLEE = randomUUID();

/** What is asked of each service, at all times; `n` is a number that no other request has. */
const QUESTIONS: Readonly<Record<ServiceName, (n: number) => readonly [string, string, object?]>> = {
  auth: () => ['GET', '/v1/conversations'],
  chat: (n) => ['POST', '/v1/messages', { conversation_id: CONVERSATION, content: `message ${n}` }],
  video: () => ['POST', '/v1/calls/initiate', { callee_ids: [CALLEE], type: 'video' }],
  storage: () => ['GET', '/v1/storage/quota'],
};

const NAMES = Object.keys(QUESTIONS) as ServiceName[];

/** Two processes of each service, over one folder, and the gateway before them. */
async function startSystem() {
  const dataDir = await mkdtemp(join(tmpdir(), 'gateway-rolling-'));
  const stack = new AsyncDisposableStack();
  stack.defer(() => rm(dataDir, { recursive: true }));
  const addresses: Record<string, string> = {};
  const instances: { name: ServiceName; env: Record<string, string>; running: ServiceProcess }[] = [];
  for (const name of NAMES) {
    const ports = [await freePort(), await freePort()];
    addresses[`${name.toUpperCase()}_SERVICE_URL`] = ports.map((port) => `http://127.0.0.1:${port}`).join();
    for (const port of ports) {
      const env = { SERVICE: name, PORT: String(port), DATA_DIR: dataDir };
      const instance = { name, env, running: await ServiceProcess.start(env) };
      stack.defer(() => instance.running.kill('SIGKILL'));
      instances.push(instance);
    }
  }
  const gateway = stack.use(
    GatewayProcess.start({ ...addresses, RATELIMIT: 'off', HEALTH_CHECK_INTERVAL_MS: '300' }),
  );
  return { gateway, instances, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Two clients of each service, each with a request on its way at all times, until they are told to end. */
function load(port: number) {
  const agent = new Agent({ keepAlive: true });
  const answers = new Map<string, number>();
  const headers = bearer();
  const over = new AbortController();
  let last = 0;
  const written: string[] = [];

  const ask = ([method, path, body]: readonly [string, string, object?]) =>
    new Promise<string>((resolve) => {
      const text = body && JSON.stringify(body);
      const type = text
        ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }
        : {};
      const options = { host: '127.0.0.1', port, agent, method, path, headers: { ...headers, ...type } };
      request(options, (response) => {
        response
          .on('error', () => {})
          .on('close', () => {
            resolve(response.complete ? String(response.statusCode) : 'broken');
          });
        response.resume();
      })
        .on('error', (error) => resolve(error.message))
        .end(text);
    });

  const client = async (name: ServiceName): Promise<void> => {
    while (!over.signal.aborted) {
      const question = QUESTIONS[name](++last);
      const answer = `${name} ${await ask(question)}`;
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      const { content } = (question[2] ?? {}) as { content?: string };
      if (answer === 'chat 201' && content) written.push(content);
    }
  };
  const clients = NAMES.flatMap((name) => Array.from({ length: 2 }, () => client(name)));
  const count = (name: ServiceName): number =>
    [...answers].reduce((sum, [answer, times]) => sum + (answer.startsWith(name) ? times : 0), 0);
  return {
    written,
    /** Until so many more requests have been answered by the service. */
    async more(name: ServiceName, requests: number): Promise<void> {
      for (const enough = count(name) + requests; count(name) < enough;) await new Promise(setImmediate);
    },
    async end(): Promise<Record<string, number>> {
      over.abort();
      await Promise.all(clients);
      agent.destroy();
      return Object.fromEntries(answers);
    },
  };
}

/** Until the gateway asks both processes of the service. */
async function takesBoth(port: number, name: ServiceName): Promise<void> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
    const { details } = (await response.json()) as { details: Record<string, { instances?: string }> };
    if (details[`${name}-service`]?.instances === '2 of 2') return;
  }
}

/** How often each message is kept. */
async function keptMessages(port: number): Promise<Map<string, number>> {
  const kept = new Map<string, number>();
  for (let before: string | null = ''; before !== null;) {
    const page = `conversation_id=${CONVERSATION}&limit=100${before && `&before=${before}`}`;
    const response = await fetch(`http://127.0.0.1:${port}/v1/messages?${page}`, { headers: bearer() });
    const { data } = (await response.json()) as {
      data: { messages: { content: string }[]; next_before: string | null };
    };
    for (const { content } of data.messages) kept.set(content, (kept.get(content) ?? 0) + 1);
    before = data.next_before;
  }
  return kept;
}

describe('every service, restarted one process after the other under load,', () => {
  it('fails no request, and keeps each write once', async () => {
    await using system = await startSystem();
    const port = await system.gateway.port();
    const running = load(port);

    for (const instance of system.instances) {
      await running.more(instance.name, 50);
      await instance.running.kill('SIGTERM');
      await running.more(instance.name, 50);
      instance.running = await ServiceProcess.start(instance.env);
      await takesBoth(port, instance.name);
    }

    const answers = await running.end();
    expect(Object.keys(answers).toSorted()).toEqual(['auth 200', 'chat 201', 'storage 200', 'video 201']);
    const kept = await keptMessages(port);
    expect(running.written.filter((content) => kept.get(content) !== 1)).toEqual([]);
  }, 60_000);
});
