import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { bearer, JWT_SECRET, type LogLine } from '../support/gateway.js';
import { describeUnderLoad } from '../support/requirements.js';
import { startService } from '../support/service.js';

const PROBE = fileURLToPath(new URL('../support/cost-probe.mjs', import.meta.url));

/** Until V8 has compiled what it compiles. */
const WARM_UP = 2_000;
const REQUESTS = 500;

const MIB = 1024 * 1024;
const LARGE_RESPONSES = 640;

/** The built gateway with all on that a request may cost, but Redis. */
class WatchedGateway implements AsyncDisposable {
  private readonly child: ChildProcess;
  private readonly headers = bearer();
  private port = 0;
  private stderr = '';

  /** @param youngMib what V8 may fill before it collects @param clients that ask at a time */
  constructor(
    serviceUrl: string,
    youngMib: number,
    private readonly clients: number,
  ) {
    this.child = fork('dist/apps/gateway/src/main.js', {
      execArgv: [
        '--expose-gc',
        `--min-semi-space-size=${youngMib}`,
        `--max-semi-space-size=${youngMib}`,
        // A full collection would hide what is looked for.
        '--initial-old-space-size=1024',
        '--import',
        PROBE,
      ],
      env: {
        JWT_SECRET,
        PORT: '0',
        REDIS_URL: 'redis://127.0.0.1:9',
        RATELIMIT_MESSAGES: '1000000',
        CHAT_SERVICE_URL: serviceUrl,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  /** Resolves once it listens. */
  async start(): Promise<this> {
    for await (const line of createInterface({ input: this.child.stdout! })) {
      const { message, port } = JSON.parse(line) as LogLine;
      if (message !== 'listening') continue;
      this.port = Number(port);
      this.child.stdout!.resume();
      return this;
    }
    throw new Error(`the gateway did not start: ${this.stderr}`);
  }

  /** So many requests, each client one at a time over a connection that it keeps. */
  async serve(count: number, body?: Buffer): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: this.clients });
    let left = count;
    const ask = async (): Promise<void> => {
      while (left-- > 0) expect(await this.ask(agent, body)).toBe(200);
    };
    await Promise.all(Array.from({ length: this.clients }, ask));
    agent.destroy();
  }

  /** Tells the probe something. */
  async probe(command: string): Promise<Record<string, number>> {
    this.child.send(command);
    const [answer] = await once(this.child, 'message');
    return answer as Record<string, number>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  private async ask(agent: Agent, body: Buffer | undefined): Promise<number | undefined> {
    const outgoing = request({
      host: '127.0.0.1',
      port: this.port,
      path: '/v1/messages',
      method: body ? 'POST' : 'GET',
      headers: this.headers,
      agent,
    });
    outgoing.end(body);
    const [response] = await once(outgoing, 'response');
    await once(response.resume(), 'end');
    return response.statusCode;
  }
}

const startChat = (body: string | Buffer = '{"messages":[]}'): ReturnType<typeof startService> =>
  startService((incoming, response) => {
    incoming.resume().on('end', () => response.end(body));
  });

/** What one request may make: what it makes today, and room for what else the process does in the time. */
const MOST = {
  GET: { PROMISE: 3, Timeout: 3, Immediate: 6, TickObject: 12, listener: 8, bytes: 40_000 },
  POST: { PROMISE: 3, Timeout: 4, Immediate: 6, TickObject: 12, listener: 13, bytes: 45_000 },
};

/** Of 3,000 requests. Where tables of a `Set` held on to ended ones it was 19 MB and more. */
const MOST_KEPT_BYTES = 5_000_000;

describeUnderLoad('what a request costs', () => {
  it.each(['GET', 'POST'] as const)(
    'is bounded for a small %s: promises, timers, listeners, bytes',
    async (method) => {
      const body = method === 'POST' ? Buffer.alloc(1_024) : undefined;
      await using service = await startChat();
      // Young enough for all that is weighed, so that none of it is collected before.
      await using gateway = await new WatchedGateway(service.url, 128, 1).start();
      await gateway.serve(WARM_UP, body);

      await gateway.probe('count');
      await gateway.serve(REQUESTS, body);
      const made = await gateway.probe('counted');
      await gateway.probe('weigh');
      await gateway.serve(REQUESTS, body);
      const { bytes, minor, full } = await gateway.probe('weighed');

      expect({ minor, full }).toEqual({ minor: 0, full: 0 });
      const { bytes: mostBytes, ...most } = MOST[method];
      for (const [type, limit] of Object.entries(most)) {
        const each = (made[type] ?? 0) / REQUESTS;
        // No fewer than one of what each makes (but of promises none): or nothing was counted.
        const isCounted = each >= 1 || type === 'PROMISE';
        expect({ type, each, isCounted, isBounded: each <= limit }).toEqual({
          type,
          each,
          isCounted: true,
          isBounded: true,
        });
      }
      expect(bytes! / REQUESTS).toBeGreaterThan(1_000);
      expect(bytes! / REQUESTS).toBeLessThan(mostBytes);
    },
    60_000,
  );

  it.each(['GET', 'POST'] as const)(
    'is forgotten with the end of a %s, not with the next full collection',
    async (method) => {
      const body = method === 'POST' ? Buffer.alloc(1_024) : undefined;
      await using service = await startChat();
      await using gateway = await new WatchedGateway(service.url, 8, 20).start();
      await gateway.serve(WARM_UP, body);

      await gateway.probe('weigh');
      await gateway.serve(3_000, body);
      const { oldBytes, minor, full } = await gateway.probe('weighed');

      expect(full).toBe(0);
      expect(minor).toBeGreaterThan(3);
      expect(oldBytes).toBeLessThan(MOST_KEPT_BYTES);
    },
    60_000,
  );

  it('is no full collection for what passes of a large response', async () => {
    await using service = await startChat(Buffer.alloc(MIB));
    await using gateway = await new WatchedGateway(service.url, 16, 8).start();
    await gateway.serve(100);

    await gateway.probe('weigh');
    await gateway.serve(LARGE_RESPONSES);
    const { minor, full } = await gateway.probe('weighed');

    expect(minor).toBeGreaterThan(0);
    // With new memory for each read there is one for every 64 MiB.
    expect(full).toBeLessThan(LARGE_RESPONSES / 64 / 2);
  }, 60_000);
});
