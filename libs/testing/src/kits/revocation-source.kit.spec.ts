import type { Revocation, RevocationKind, RevocationWatcher } from '@app/gateway';
import { failures } from './failures.testing.js';
import { revocationSourceKit } from './revocation-source.kit.js';

/** A source in memory, with faults. */
class Source {
  readonly source = this;
  readonly isReadable: boolean = true;
  readonly table = new Map<string, Revocation>();
  watcher: RevocationWatcher | undefined;

  constructor(private readonly fault = '') {}

  async *load(): AsyncIterable<readonly Revocation[]> {
    if (this.fault === 'rejects') throw new Error('a fault');
    const all = [...this.table.values()].map((each) =>
      this.fault === 'has one kind' ? { ...each, kind: 'token' as const } : each,
    );
    yield this.fault === 'loads a page' ? all.slice(0, 1_000) : all;
  }

  watch(watcher: RevocationWatcher): void {
    this.watcher = watcher;
  }

  proveWatch(): Promise<boolean> {
    return Promise.resolve(true);
  }

  lookUp(kind: RevocationKind, id: string): Promise<number | undefined> {
    const key = this.fault === 'looks any kind up' ? [`token ${id}`, `session ${id}`] : [`${kind} ${id}`];
    const found = key.map((each) => this.table.get(each)).find((each) => each);
    return Promise.resolve(this.fault === 'looks seconds up' && found ? 600 : found?.ttlMs);
  }

  revoke(kind: RevocationKind, id: string, ttlMs: number): void {
    this.table.set(`${kind} ${id}`, {
      kind,
      id,
      ttlMs: this.fault === 'loads seconds' ? ttlMs / 1000 : ttlMs,
    });
    if (this.fault !== 'reports nothing') this.watcher?.revoked(kind, id, ttlMs);
  }

  restore(kind: RevocationKind, id: string): void {
    if (this.fault !== 'restores nothing') this.table.delete(`${kind} ${id}`);
    this.watcher?.restored(kind, id);
  }
}

const LOOKS_UP = ['looks up one id, as its kind', 'looks up many ids at a time'];

const SOURCES: readonly (readonly [string, string[]])[] = [
  ['has one kind', ['loads tokens and sessions, each as its kind']],
  ['loads a page', ['loads many, and again, and twice at a time']],
  ['loads seconds', ['loads until when each is revoked', ...LOOKS_UP]],
  ['looks seconds up', LOOKS_UP],
  ['looks any kind up', [LOOKS_UP[0]!]],
  ['restores nothing', ['loads no revocation that was taken back']],
  ['reports nothing', ['reports each change, if it proves that it does']],
  [
    'rejects',
    [
      'loads tokens and sessions, each as its kind',
      'loads until when each is revoked',
      'loads ids with any characters',
      'loads many, and again, and twice at a time',
      'may be left in the middle of a load',
      'loads no revocation that was taken back',
    ],
  ],
];

describe('the kit of sources of revocations', () => {
  it('finds nothing in a source that does all', async () => {
    expect(await failures(revocationSourceKit, () => new Source())).toEqual([]);
  });

  it.each(SOURCES)('finds one that %s', async (fault, expected) => {
    expect(await failures(revocationSourceKit, () => new Source(fault))).toEqual(expected);
  });
});
