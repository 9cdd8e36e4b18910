import { readdir, readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { JWT_SECRET, signToken } from '../support/gateway.js';
import { nextEvent } from '../support/next-event.js';
import { GatewayProcess } from '../support/process.js';

/** The port that a sample listens on. One of them has no gateway, and the log lines of Nest. */
async function portOf(process: GatewayProcess): Promise<number> {
  for (;;) {
    for (const { message, port } of process.lines) {
      if (message === 'listening') return Number(port);
      const [, mentioned] = /^listening on .+:(\d+)$/.exec(String(message)) ?? [];
      if (mentioned !== undefined) return Number(mentioned);
    }
    await process.nextLines();
    if (process.hasExited) throw new Error(`the sample has ended: ${process.stderr}`);
  }
}

/** A sample as a process of its own, from its sources. */
class RunningSample implements AsyncDisposable {
  private constructor(
    private readonly process: GatewayProcess,
    readonly url: string,
  ) {}

  static async start(name: string): Promise<RunningSample> {
    const process = GatewayProcess.start({}, undefined, ['--no-warnings', 'scripts/sample.mjs', name]);
    return new RunningSample(process, `http://127.0.0.1:${await portOf(process)}`);
  }

  /** Status and body. */
  async get(path: string, headers: Record<string, string> = {}): Promise<readonly [number, string]> {
    const response = await fetch(this.url + path, { headers });
    return [response.status, await response.text()];
  }

  /** The status of a handshake, and what comes back over its WebSocket. */
  async echo(path: string): Promise<readonly [number, string?]> {
    const socket = new WebSocket(this.url.replace('http', 'ws') + path);
    const refused = nextEvent(socket, 'unexpected-response').then(([, response]) => {
      (response as { resume(): void }).resume();
      return [(response as { statusCode: number }).statusCode] as const;
    });
    const echoed = nextEvent(socket, 'open').then(async () => {
      socket.send('hello');
      const [message] = await nextEvent(socket, 'message');
      return [101, String(message)] as const;
    });
    const result = await Promise.race([refused, echoed]);
    socket.on('error', () => {}).terminate();
    return result;
  }

  logged(message: string): Promise<unknown> {
    return this.process.logged(message);
  }

  /** Ends it as an operator does. */
  async stop(): Promise<number | null> {
    this.process.signal('SIGTERM');
    return this.process.exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}

const bearer = (): Record<string, string> => {
  const exp = Math.floor(Date.now() / 1000) + 60;
  const token = signToken({ sub: 'ada', jti: '1', exp, plan: 'gold' }, { secret: JWT_SECRET });
  return { Authorization: `Bearer ${token}` };
};

/** What each sample shows, by its folder. */
const SAMPLES: Readonly<Record<string, (sample: RunningSample) => Promise<void>>> = {
  '01-first-upstream': async (sample) => {
    expect(await sample.get('/items')).toEqual([200, '{"method":"GET","url":"/items"}']);
    expect((await sample.get('/items/7'))[0]).toBe(401);
    expect((await sample.get('/items/7', bearer()))[0]).toBe(200);
    expect((await sample.get('/other'))[0]).toBe(404);
  },
  '02-gate': async (sample) => {
    expect((await sample.get('/orders'))[0]).toBe(403);
    expect((await sample.get('/orders', { 'X-Tenant': 'acme' }))[0]).toBe(403);
    expect(await sample.get('/orders', { 'X-Api-Key': 'key-of-acme', 'X-Tenant': 'forged' })).toEqual([
      200,
      '{"tenant":"acme","key":null}',
    ]);
  },
  '03-websocket': async (sample) => {
    expect(await sample.echo('/echo')).toEqual([101, 'hello']);
    expect(await sample.echo('/private-echo')).toEqual([401]);
    const token = bearer()['Authorization']!.slice('Bearer '.length);
    expect(await sample.echo(`/private-echo?access_token=${token}`)).toEqual([101, 'hello']);
  },
  '04-who-calls': async (sample) => {
    expect((await sample.get('/profiles/7'))[0]).toBe(401);
    const [status, body] = await sample.get('/profiles/7', { ...bearer(), 'X-User-Id': 'forged' });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({ user: 'ada', plan: 'gold', profile: '7', authorization: null });
  },
  '05-rate-limits': async (sample) => {
    const statuses: number[] = [];
    for (const path of ['/search', '/suggest', '/search', '/search', '/languages'])
      statuses.push((await sample.get(path))[0]);
    expect(statuses).toEqual([200, 200, 200, 429, 200]);
  },
  '06-controller': async (sample) => {
    expect(await sample.get('/books')).toEqual([200, '["Frankenstein"]']);
    expect(await sample.get('/opening-hours')).toEqual([200, '{"opens":"08:00"}']);
    expect((await sample.get('/card'))[0]).toBe(401);
    expect(await sample.get('/card', bearer())).toEqual([200, '{"owner":"ada"}']);
    await sample.logged('card shown');
  },
  '07-replace-a-part': async (sample) => {
    const names: string[] = [];
    while (names.length < 6) names.push((await sample.get('/stock'))[1].trim());
    expect(names.filter((name) => name === 'A')).toHaveLength(4);
    expect(names.filter((name) => name === 'B')).toHaveLength(2);
  },
  '08-proxy-module-alone': async (sample) => {
    expect(await sample.get('/about')).toEqual([200, '{"name":"an application that exists"}']);
    expect(await sample.get('/catalog/items')).toEqual([200, 'GET /items ']);
    const posted = await fetch(`${sample.url}/catalog/items`, { method: 'POST', body: 'two' });
    expect(await posted.text()).toBe('POST /items two');
    expect((await sample.get('/other'))[0]).toBe(404);
  },
};

const namesOfFolders = async (): Promise<string[]> =>
  (await readdir('sample')).filter((name) => /^\d\d-/.test(name)).toSorted();

describe('the samples', () => {
  it.each(Object.entries(SAMPLES))('%s runs', async (name, check) => {
    await using sample = await RunningSample.start(name);

    await check(sample);
    expect(await sample.stop()).toBe(0);
  });

  it('are all here, and on the page of the samples', async () => {
    const listed = [...(await readFile('sample/README.md', 'utf8')).matchAll(/^\| `([^`]+)`/gm)];
    const names = await namesOfFolders();

    expect(Object.keys(SAMPLES)).toEqual(names);
    expect(listed.map(([, name]) => name)).toEqual(names);
  });
});
