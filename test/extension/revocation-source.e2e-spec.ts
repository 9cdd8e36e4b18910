import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RevocationSource, type Revocation, type RevocationKind, type RevocationWatcher } from '@app/gateway';
import { RedisRevocationSource } from '@app/auth/internal';
import { revocationSourceKit, type RevocationSourceHarness } from '@app/testing';
import { Module, type Type } from '@nestjs/common';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';

/** Revocations in a file of JSON lines, which another program writes. */
class FileSource extends RevocationSource {
  constructor(private readonly path: string) {
    super();
  }

  async *load(): AsyncIterable<readonly Revocation[]> {
    const lines = (await readFile(this.path, 'utf8')).split('\n').filter((line) => line !== '');
    yield lines.map((line) => JSON.parse(line) as Revocation);
  }
}

async function createFileHarness(): Promise<RevocationSourceHarness & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'revocations-'));
  const path = join(folder, 'revoked.jsonl');
  await writeFile(path, '');
  return {
    source: new FileSource(path),
    revoke: (kind, id, ttlMs) => appendFile(path, `${JSON.stringify({ kind, id, ttlMs })}\n`),
    async restore(kind, id) {
      const lines = (await readFile(path, 'utf8')).split('\n');
      const isKept = (line: string): boolean => !line.startsWith(JSON.stringify({ kind, id }).slice(0, -1));
      await writeFile(path, lines.filter(isKept).join('\n'));
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** Revocations in memory, which reports its changes, and can be read by id. */
class TableSource extends RevocationSource implements RevocationSourceHarness {
  readonly source = this;
  readonly table = new Map<string, Revocation>();
  lookups = 0;
  /** Whether the watch is proven. */
  isWatched = true;
  watcher: RevocationWatcher | undefined;

  override watch(watcher: RevocationWatcher): void {
    this.watcher = watcher;
  }

  override proveWatch(): Promise<boolean> {
    return Promise.resolve(this.isWatched);
  }

  async *load(): AsyncIterable<readonly Revocation[]> {
    for (const revocation of this.table.values()) yield [revocation];
  }

  override get isReadable(): boolean {
    return true;
  }

  override async lookUp(kind: RevocationKind, id: string): Promise<number | undefined> {
    this.lookups++;
    const revocation = this.table.get(`${kind} ${id}`);
    return revocation && (revocation.ttlMs ?? 60_000);
  }

  revoke(kind: RevocationKind, id: string, ttlMs: number): void {
    this.table.set(`${kind} ${id}`, { kind, id, ttlMs });
    if (this.isWatched) this.watcher?.revoked(kind, id, ttlMs);
  }

  restore(kind: RevocationKind, id: string): void {
    this.table.delete(`${kind} ${id}`);
    if (this.isWatched) this.watcher?.restored(kind, id);
  }
}

const TTL_MS = 60_000;
const error = new Error('a fault of the team');
const fail = (): never => {
  throw error;
};
const never = (): Promise<never> => new Promise(() => {});

function moduleWith(source: object): Type {
  @Module({ providers: [{ provide: RevocationSource, useValue: source }] })
  class SourceModule {}
  return SourceModule;
}

function startWith(source: object): Promise<RunningGateway> {
  return startGateway({ modules: [moduleWith(source)] });
}

/** The status of a request with a token: 401 if it is revoked, else 502, since there is no service. */
async function ask({ url }: RunningGateway, tokenId: string, sessionId?: string): Promise<number> {
  const session = sessionId === undefined ? {} : { sid: sessionId };
  const { status } = await fetch(`${url}/v1/messages`, { headers: bearer({ jti: tokenId, ...session }) });
  return status;
}

const linesOf = ({ logs }: RunningGateway, start: string): readonly unknown[] =>
  logs.filter(({ message }) => String(message).startsWith(start));

describeWithRedis("the gateway's own source of revocations", () => {
  const stack = new AsyncDisposableStack();
  let redis: RedisServer;
  beforeAll(async () => {
    redis = stack.use(await RedisServer.start());
  });
  afterAll(() => stack.disposeAsync());

  async function createHarness(): Promise<RevocationSourceHarness> {
    const client = await redis.client();
    const writer = await redis.client();
    const keyOf = (kind: RevocationKind, id: string): string =>
      kind === 'token' ? `blacklist:${id}` : `blacklist:session:${id}`;
    return {
      source: new RedisRevocationSource({ client, isReadable: true, read: (send) => send(client) }),
      revoke: async (kind, id, ttlMs) => void (await writer.set(keyOf(kind, id), '1', 'PX', ttlMs)),
      restore: async (kind, id) => void (await writer.del(keyOf(kind, id))),
    };
  }

  it.each(revocationSourceKit)('$name', ({ run }) => run(createHarness));
});

describe('a source in a file', () => {
  it.each(revocationSourceKit)('$name', ({ run }) => run(createFileHarness));
});

describe('a source that reports its changes', () => {
  it.each(revocationSourceKit)('$name', ({ run }) => run(() => new TableSource()));
});

describe("a team's source of revocations", () => {
  it('is read before the first request', async () => {
    await using harness = await createFileHarness();
    await harness.revoke('token', 'a', TTL_MS);
    await harness.revoke('session', 's', TTL_MS);
    await using gateway = await startWith(harness.source);

    expect(await ask(gateway, 'a')).toBe(401);
    expect(await ask(gateway, randomUUID(), 's')).toBe(401);
    expect(await ask(gateway, 's', 'a')).toBe(502);
  });

  it('revokes and restores at once by what it reports, and is asked nothing', async () => {
    const source = new TableSource();
    await using gateway = await startWith(source);
    expect(await ask(gateway, 'a')).toBe(502);

    source.revoke('token', 'a', TTL_MS);
    expect(await ask(gateway, 'a')).toBe(401);
    source.restore('token', 'a');
    expect(await ask(gateway, 'a')).toBe(502);
    expect(source.lookups).toBe(0);
  });

  it('is read again when it says that it is ready', async () => {
    const source = new TableSource();
    await using gateway = await startWith(source);
    source.watcher!.lost();
    source.table.set('token a', { kind: 'token', id: 'a', ttlMs: undefined });
    source.lookUp = () => Promise.resolve(undefined);
    expect(await ask(gateway, 'a')).toBe(502);

    source.watcher!.ready();
    while ((await ask(gateway, 'a')) !== 401);
  });

  it('is asked for unknown ids if it cannot prove that it reports changes', async () => {
    const source = new TableSource();
    source.isWatched = false;
    await using gateway = await startWith(source);
    source.revoke('token', 'a', TTL_MS);

    expect(await ask(gateway, 'a')).toBe(401);
    expect(await ask(gateway, 'b')).toBe(502);
    expect(source.lookups).toBe(2);
    // Now memory knows it.
    expect(await ask(gateway, 'a')).toBe(401);
    expect(source.lookups).toBe(2);
  });

  it('may say later for how long, and never', async () => {
    const source = new TableSource();
    await using gateway = await startWith(source);

    source.watcher!.revoked('token', 'a', never());
    source.watcher!.revoked('token', 'b', Promise.reject(error));
    source.watcher!.revoked('token', 'c', Promise.resolve(Number.NaN));
    source.watcher!.revoked('token', 'd');

    for (const id of ['a', 'b', 'c', 'd']) expect(await ask(gateway, id)).toBe(401);
  });

  it.each([
    ['whose load throws', { load: fail }],
    ['whose load returns nothing', { load: () => undefined }],
    ['whose load returns a promise', { load: () => Promise.resolve([]) }],
    [
      'whose load rejects',
      { load: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) }) },
    ],
    ['whose load gives a batch that is no array', { load: () => [{ kind: 'token', id: 'z' }] }],
    ['whose proof throws', { proveWatch: fail }],
    ['whose proof rejects', { proveWatch: () => Promise.reject(error) }],
    ['that cannot be watched', { watch: fail }],
  ])('%s is degraded, and the gateway goes on from memory', async (_name, fault) => {
    const source = new TableSource();
    await using gateway = await startWith(Object.assign(source, { lookUp: fail }, fault));

    expect(await ask(gateway, 'a')).toBe(502);
    await gateway.logged({
      message: 'revocation source degraded: revocation goes on from memory',
      level: 'warn',
    });
    expect(linesOf(gateway, 'revocation source degraded')).toHaveLength(1);
  });

  it('whose load begins to fail leaves in memory what it had, and is read again', async () => {
    const source = new TableSource();
    const { load } = source;
    source.revoke('token', 'a', TTL_MS);
    await using gateway = await startWith(source);
    source.lookUp = () => Promise.reject(error);
    source.load = fail;
    source.watcher!.lost();
    source.watcher!.ready();
    await gateway.logged({ message: 'revocation source degraded: revocation goes on from memory' });
    expect(await ask(gateway, 'a')).toBe(401);
    expect(await ask(gateway, 'b')).toBe(502);

    source.load = load;
    source.table.set('token b', { kind: 'token', id: 'b', ttlMs: TTL_MS });
    source.watcher!.ready();
    await gateway.logged({ message: 'revocation source is back' });
    expect(await ask(gateway, 'b')).toBe(401);
  });

  it.each([
    ['whose load never gives a batch', { load: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }) }],
    [
      'whose load never ends',
      { load: () => ({ [Symbol.iterator]: () => ({ next: () => ({ value: [] }) }) }) },
    ],
    ['whose proof never ends', { proveWatch: never }],
  ])('%s delays neither the start nor a request for long', async (_name, fault) => {
    const source = Object.assign(new TableSource(), fault);
    source.revoke('token', 'a', TTL_MS);
    const begunAt = performance.now();
    await using gateway = await startWith(source);

    expect(await ask(gateway, 'a')).toBe(401);
    expect(await ask(gateway, 'b')).toBe(502);
    expect(performance.now() - begunAt).toBeLessThan(8_000);
  });

  it.each([
    ['throws', fail],
    ['rejects', () => Promise.reject(error)],
    ['never settles', never],
    ['gives what is no duration', () => Promise.resolve('10')],
  ])('whose lookup %s leaves the decision to memory, and is asked once a second', async (_name, lookUp) => {
    const source = new TableSource();
    source.isWatched = false;
    source.revoke('token', 'a', TTL_MS);
    await using gateway = await startWith(source);
    const failing = jest.fn(lookUp as () => Promise<never>);
    source.lookUp = failing;

    expect(await ask(gateway, 'a')).toBe(401);
    for (let each = 0; each < 5; each++) expect(await ask(gateway, 'b')).toBe(502);
    expect(failing).toHaveBeenCalledTimes(1);
    expect(linesOf(gateway, 'revocation lookups degraded')).toHaveLength(1);

    source.lookUp = TableSource.prototype.lookUp;
    source.table.set('token b', { kind: 'token', id: 'b', ttlMs: TTL_MS });
    while ((await ask(gateway, 'b')) !== 401);
    await gateway.logged({ message: 'revocation lookups are back' });
  });

  it('that gives what is no revocation is reported, and the rest counts', async () => {
    const source = new TableSource();
    const odd = [null, 7, {}, { kind: 'user', id: 'a' }, { kind: 'token', id: 5 }, { kind: 'token', id: '' }];
    const good = { kind: 'token', id: 'a', ttlMs: 'soon' };
    source.load = () => [[...odd, good]] as unknown as AsyncIterable<readonly Revocation[]>;
    await using gateway = await startWith(source);

    source.watcher!.revoked('user' as RevocationKind, 'b', Promise.reject(error));
    source.watcher!.restored('token', undefined as unknown as string);
    source.watcher!.revoked('token', 'c', Infinity);

    expect([await ask(gateway, 'a'), await ask(gateway, 'b'), await ask(gateway, 'c')]).toEqual([
      401, 502, 401,
    ]);
    expect(linesOf(gateway, 'revocation source reports what is no revocation')).toHaveLength(1);
  });

  it('with a large batch does not stop the event loop', async () => {
    const source = new TableSource();
    const many = Array.from({ length: 100_000 }, (_, at) => ({
      kind: 'token' as const,
      id: `t${at}`,
      ttlMs: TTL_MS,
    }));
    source.load = async function* load() {
      yield many;
    };
    await using gateway = await startWith(source);

    expect(await ask(gateway, 't99999')).toBe(401);
  });
});

describe('the boot stops at', () => {
  it.each([
    [
      'sources of two modules',
      [moduleWith(new TableSource()), moduleWith(new TableSource())],
      /Two modules provide RevocationSource: SourceModule and SourceModule/,
    ],
    [
      'a source that cannot be read',
      [moduleWith({ watch: () => {} })],
      /RevocationSource of SourceModule has no method load/,
    ],
  ])('%s', async (_name, modules, message) => {
    await expect(startGateway({ modules })).rejects.toThrow(message);
  });
});
