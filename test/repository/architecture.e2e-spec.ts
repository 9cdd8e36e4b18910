import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FLOORS } from '../support/floors.js';
import { bearer, JWT_SECRET, type LogLine } from '../support/gateway.js';
import { describeWithBuild } from '../support/requirements.js';
import { startService } from '../support/service.js';

const PAGE = 'docs/architecture.md';
const PROBE = fileURLToPath(new URL('../support/coverage-probe.mjs', import.meta.url));

/** Longer than any interval of the gateway that no request causes. */
const IDLE_MS = 2_500;

/** The built gateway, which tells which of its files have run. */
class TracedGateway implements AsyncDisposable {
  private port = 0;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  private constructor(private readonly child: ChildProcess) {}

  static async start(serviceUrl: string): Promise<TracedGateway> {
    const gateway = new TracedGateway(
      fork('dist/apps/gateway/src/main.js', {
        execArgv: ['--import', PROBE],
        env: { JWT_SECRET, PORT: '0', REDIS_URL: 'redis://127.0.0.1:9', CHAT_SERVICE_URL: serviceUrl },
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      }),
    );
    for await (const line of createInterface({ input: gateway.child.stdout! })) {
      const { message, port } = JSON.parse(line) as LogLine;
      if (message !== 'listening') continue;
      gateway.port = Number(port);
      gateway.child.stdout!.resume();
      return gateway;
    }
    throw new Error('the gateway did not start');
  }

  /** Asks a route of the chat service. Each time with another token, or the gateway would know the last. */
  async get(userId: string): Promise<void> {
    const options = { host: '127.0.0.1', port: this.port, path: '/v1/messages', agent: this.agent };
    const outgoing = request({ ...options, headers: bearer({ user_id: userId }) }).end();
    const [response] = await once(outgoing, 'response');
    await once(response.resume(), 'end');
    expect(response.statusCode).toBe(200);
  }

  /** Source files of the product that have run since this was last called. */
  async ran(): Promise<Set<string>> {
    this.child.send('ran');
    const [urls] = (await once(this.child, 'message')) as [string[]];
    const built = urls.flatMap((url) => /\/dist\/((?:apps|libs)\/.*)\.js$/.exec(url)?.[1] ?? []);
    return new Set(built.map((path) => `${path}.ts`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.destroy();
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

const readPage = (): Promise<string> => readFile(PAGE, 'utf8');

/** The paths that a text names, without those of folders. */
function filesIn(text: string): string[] {
  return [...text.matchAll(/`((?:apps|libs|test)\/[\w./-]+\.\w+)`/g)].map(([, path]) => path!);
}

function sectionOf(page: string, title: string): string {
  const [, section = ''] = page.split(`## ${title}\n`);
  return section.split('\n## ')[0]!;
}

describe(PAGE, () => {
  it('names files that exist', async () => {
    const files = filesIn(await readPage());

    expect(files.length).toBeGreaterThan(40);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
  });

  it('lists the floors that imports obey', async () => {
    const rows = sectionOf(await readPage(), 'Floors').matchAll(/^\| \d+ +\| (.*?) +\|/gm);
    const floors = [...rows].map(([, folders]) =>
      [...folders!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
    );

    expect(floors.map((folders) => folders.toSorted())).toEqual(
      FLOORS.map((folders) => [...folders].toSorted()),
    );
  });
});

describeWithBuild(`${PAGE}, the way of a GET`, () => {
  it('names its files, each once', async () => {
    await using service = await startService((_request, response) => response.end('{}'));
    await using gateway = await TracedGateway.start(service.url);
    await gateway.get('first');
    await gateway.ran();
    await delay(IDLE_MS);
    const idle = await gateway.ran();

    await gateway.get('second');
    const ran = await gateway.ran();

    const section = sectionOf(await readPage(), 'The way of a GET').split('If a step throws')[0]!;
    const named = filesIn(section);
    expect(named.filter((file, index) => named.indexOf(file) !== index)).toEqual([]);
    expect(named.filter((file) => !ran.has(file))).toEqual([]);
    expect([...ran].filter((file) => !idle.has(file) && !named.includes(file))).toEqual([]);
  });
});
