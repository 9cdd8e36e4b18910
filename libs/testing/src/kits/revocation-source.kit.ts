import assert from 'node:assert/strict';
import type { Revocation, RevocationKind, RevocationSource, RevocationWatcher } from '@app/gateway';
import { delay, LateResponseError, randomId, withTimeout } from '@app/proxy/internal';
import { kitCase, type KitCase } from './kit-case.js';

/** A source, and how a test changes what it reads. */
export interface RevocationSourceHarness {
  readonly source: RevocationSource;
  /** Writes a revocation to where the source reads from. */
  revoke(kind: RevocationKind, id: string, ttlMs: number): void | Promise<void>;
  /** Takes a revocation back. */
  restore(kind: RevocationKind, id: string): void | Promise<void>;
}

const TTL_MS = 600_000;

/** The longest TTL, and that of a revocation without one. */
const LONGEST_TTL_MS = 24 * 3_600_000;

/** Milliseconds by which a TTL may be less: it is counted down while a case runs. */
const TTL_TOLERANCE_MS = 60_000;

/** Milliseconds within which a change must be reported. */
const REPORT_MS = 5_000;

/** Revocations of the case with many of them. */
const MANY = 2_500;

/** Ends of ids, as tokens may have them. */
const ODD_IDS: readonly string[] = [
  'a b',
  'a*b',
  'a:b',
  "a'b",
  'a%00',
  'a\\b',
  '\u{e9}\u{1f4a5}',
  'A',
  'x'.repeat(200),
];

const newId = (): string => `kit-${randomId()}`;

/** What every `RevocationSource` must do. A source that cannot be read by id, or that reports no changes, passes those cases. */
export const revocationSourceKit: readonly KitCase<RevocationSourceHarness>[] = [
  kitCase('loads tokens and sessions, each as its kind', async (harness) => {
    const [token, session] = [newId(), newId()];
    await harness.revoke('token', token, TTL_MS);
    await harness.revoke('session', session, TTL_MS);
    const loaded = await load(harness.source);
    assert.deepEqual(kindsOf(loaded, token), ['token']);
    assert.deepEqual(kindsOf(loaded, session), ['session']);
  }),
  kitCase('loads until when each is revoked', async (harness) => {
    const id = newId();
    await harness.revoke('token', id, TTL_MS);
    const revocation = (await load(harness.source)).find((each) => each.id === id);
    assert.ok(revocation, 'it was not loaded');
    assertTtl(revocation.ttlMs ?? LONGEST_TTL_MS);
  }),
  kitCase('loads ids with any characters', async (harness) => {
    const ids = ODD_IDS.map((end) => newId() + end);
    for (const id of ids) await harness.revoke('token', id, TTL_MS);
    const loaded = new Set((await load(harness.source)).map(({ id }) => id));
    assert.deepEqual(
      ids.filter((id) => !loaded.has(id)),
      [],
      'these were not loaded',
    );
  }),
  kitCase('loads many, and again, and twice at a time', async (harness) => {
    const prefix = newId();
    for (let at = 0; at < MANY; at++) await harness.revoke('token', `${prefix}-${at}`, TTL_MS);
    for (const loaded of await Promise.all([load(harness.source), load(harness.source)])) {
      const ids = new Set(loaded.map(({ id }) => id).filter((id) => id.startsWith(prefix)));
      assert.equal(ids.size, MANY);
    }
  }),
  kitCase('may be left in the middle of a load', async (harness) => {
    const id = newId();
    await harness.revoke('token', id, TTL_MS);
    for await (const batch of harness.source.load()) if (batch.length > 0) break;
    assert.deepEqual(kindsOf(await load(harness.source), id), ['token']);
  }),
  kitCase('loads no revocation that was taken back', async (harness) => {
    const id = newId();
    await harness.revoke('session', id, TTL_MS);
    await harness.restore('session', id);
    assert.deepEqual(kindsOf(await load(harness.source), id), []);
  }),
  kitCase('looks up one id, as its kind', async (harness) => {
    const { source } = harness;
    if (!source.isReadable) return;
    const [token, session] = [newId(), newId()];
    await harness.revoke('token', token, TTL_MS);
    await harness.revoke('session', session, TTL_MS);
    assertTtl(await found(source.lookUp('token', token)));
    assertTtl(await found(source.lookUp('session', session)));
    assert.equal(await source.lookUp('session', token), undefined, 'a token is no session');
    assert.equal(await source.lookUp('token', session), undefined, 'a session is no token');
  }),
  kitCase('looks up many ids at a time', async (harness) => {
    const { source } = harness;
    if (!source.isReadable) return;
    const ids = Array.from({ length: 100 }, newId);
    for (const id of ids) await harness.revoke('token', id, TTL_MS);
    const [unknown, ...known] = [newId(), ...ids].map((id) => source.lookUp('token', id));
    for (const lookup of known) assertTtl(await found(lookup));
    assert.equal(await unknown, undefined, 'an unknown id is revoked');
  }),
  kitCase('reports each change, if it proves that it does', async (harness) => {
    const { source } = harness;
    const changes = new Changes();
    source.watch(changes.watcher);
    if (!(await source.proveWatch(() => {}))) return;
    const [token, session] = [newId(), newId()];
    await harness.revoke('token', token, TTL_MS);
    await harness.revoke('session', session, TTL_MS);
    assertTtl(await changes.revoked('token', token));
    assertTtl(await changes.revoked('session', session));
    await harness.restore('token', token);
    await changes.restored('token', token);
  }),
];

/** What a watcher was told. */
class Changes {
  readonly watcher: RevocationWatcher = {
    revoked: (kind, id, ttlMs) => void this.revocations.set(`${kind} ${id}`, ttlMs),
    restored: (kind, id) => void this.restorations.add(`${kind} ${id}`),
    ready: () => {},
    lost: () => {},
  };
  private readonly revocations = new Map<string, number | PromiseLike<number> | undefined>();
  private readonly restorations = new Set<string>();

  /** The TTL of a revocation. */
  async revoked(kind: RevocationKind, id: string): Promise<number> {
    await until(() => this.revocations.has(`${kind} ${id}`), `the revocation of ${kind} ${id}`);
    return (await this.revocations.get(`${kind} ${id}`)) ?? LONGEST_TTL_MS;
  }

  async restored(kind: RevocationKind, id: string): Promise<void> {
    await until(() => this.restorations.has(`${kind} ${id}`), `that ${kind} ${id} was restored`);
  }
}

async function until(isDone: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + REPORT_MS;
  while (!isDone()) {
    assert.ok(performance.now() < deadline, `the source does not report ${what}`);
    await delay(5);
  }
}

/** The TTL of a lookup that must find one. */
async function found(lookup: Promise<number | undefined>): Promise<number> {
  const ttlMs = await lookup;
  assert.ok(ttlMs !== undefined, 'the lookup finds nothing');
  return ttlMs;
}

async function load(source: RevocationSource): Promise<Revocation[]> {
  const all: Revocation[] = [];
  const read = async (): Promise<void> => {
    for await (const batch of source.load()) all.push(...batch);
  };
  await withTimeout(REPORT_MS, read(), 'load').catch((error: unknown) => {
    assert.ok(!(error instanceof LateResponseError), 'load does not end');
    throw error;
  });
  return all;
}

const kindsOf = (revocations: readonly Revocation[], id: string): RevocationKind[] => [
  ...new Set(revocations.filter((each) => each.id === id).map(({ kind }) => kind)),
];

/** @param ttlMs of a revocation that was written with `TTL_MS`: it may last longer, but not be forgotten before */
function assertTtl(ttlMs: number): void {
  const isClose = ttlMs >= TTL_MS - TTL_TOLERANCE_MS && ttlMs <= LONGEST_TTL_MS;
  assert.ok(isClose, `the TTL is ${ttlMs} ms, of ${TTL_MS}`);
}
