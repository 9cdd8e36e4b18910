import {
  ignoreRejection,
  isPromiseLike,
  nextTurn,
  PartFailures,
  PartHealth,
  PartResultError,
  withTimeout,
} from '@app/proxy/internal';
import { Logger } from '@nestjs/common';
import type { RevocationKind } from './revocation-keys.js';
import { ASSUMED_TTL_MS } from './revocation-lookups.js';
import { RevocationSource, type Revocation, type RevocationWatcher } from './revocation.source.js';

/** Milliseconds for one batch, or one proof. */
const BATCH_TIMEOUT_MS = 10_000;

/** Milliseconds for all batches. */
const LOAD_TIMEOUT_MS = 60_000;

/** Most revocations that are taken in one turn of the event loop. */
const PER_TURN = 1_000;

const SOURCE = 'the source';

/** A team's source, held to its contract. */
export class GuardedRevocationSource extends RevocationSource {
  private readonly logger = new Logger('RevocationSource');
  private readonly health = new PartHealth(this.logger, {
    degraded: 'revocation source degraded: revocation goes on from memory',
    recovered: 'revocation source is back',
  });
  private readonly lookups = new PartHealth(this.logger, {
    degraded: 'revocation lookups degraded: memory alone decides',
    recovered: 'revocation lookups are back',
  });
  private readonly invalid = new PartFailures(this.logger, 'revocation source reports what is no revocation');
  private watcher: RevocationWatcher | undefined;

  /** @param lookupTimeoutMs milliseconds that a request waits for a lookup */
  constructor(
    private readonly source: Partial<RevocationSource> & Pick<RevocationSource, 'load'>,
    private readonly lookupTimeoutMs: number,
  ) {
    super();
  }

  override watch(watcher: RevocationWatcher): void {
    this.watcher = watcher;
    try {
      this.source.watch?.(this.createWatcher(watcher));
    } catch (error) {
      this.fail(error);
    }
  }

  override async proveWatch(onDoubt: () => void): Promise<boolean> {
    if (!this.source.proveWatch) return false;
    try {
      const proof: unknown = await withTimeout(
        BATCH_TIMEOUT_MS,
        // As an asynchronous function: it may throw at once.
        (async () => this.source.proveWatch!(onDoubt))(),
        SOURCE,
      );
      return proof === true;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  async *load(): AsyncIterable<readonly Revocation[]> {
    let batches: AsyncIterator<unknown> | undefined;
    try {
      batches = iteratorOf(this.source.load());
      const deadline = performance.now() + LOAD_TIMEOUT_MS;
      for (;;) {
        const leftMs = Math.min(BATCH_TIMEOUT_MS, deadline - performance.now());
        const { done, value } = await withTimeout(leftMs, Promise.resolve(batches.next()), SOURCE);
        if (done) break;
        yield* this.checked(value);
      }
      this.health.succeeded();
    } catch (error) {
      this.fail(error);
      throw error;
    } finally {
      // It may be in the middle of a batch that never ends.
      void endSafely(batches);
    }
  }

  override get isReadable(): boolean {
    if (!this.lookups.mayAsk) return false;
    try {
      return this.source.isReadable ?? false;
    } catch (error) {
      this.lookups.failed(error);
      return false;
    }
  }

  override lookUp(kind: RevocationKind, id: string): Promise<number | undefined> {
    return this.lookups.run(async () => {
      const found = (async () => this.source.lookUp?.(kind, id))();
      const ttlMs: unknown = await withTimeout(this.lookupTimeoutMs, found, SOURCE);
      if (ttlMs === undefined) return undefined;
      if (typeof ttlMs !== 'number') throw new PartResultError('lookUp has returned no number');
      return durationOf(ttlMs);
    });
  }

  private fail(error: unknown): void {
    if (this.health.failed(error)) this.watcher?.lost();
  }

  private createWatcher(watcher: RevocationWatcher): RevocationWatcher {
    const isValid = (kind: unknown, id: unknown): boolean => {
      const valid = isKind(kind) && isId(id);
      if (!valid) this.invalid.report(new PartResultError('invalid kind or id'));
      return valid;
    };
    return {
      revoked: (kind, id, ttlMs) => {
        if (isValid(kind, id)) watcher.revoked(kind, id, durationFrom(ttlMs));
        else ignoreRejection(ttlMs);
      },
      restored: (kind, id) => {
        if (isValid(kind, id)) watcher.restored(kind, id);
      },
      ready: () => watcher.ready(),
      lost: () => watcher.lost(),
    };
  }

  /** The revocations of a batch, in parts of one turn each. What is none is left out, and reported. */
  private async *checked(batch: unknown): AsyncIterable<readonly Revocation[]> {
    if (!Array.isArray(batch)) throw new PartResultError('a batch is no array');
    for (let at = 0; at < batch.length; at += PER_TURN) {
      const some = batch.slice(at, at + PER_TURN) as unknown[];
      const revocations = some.flatMap((each) => revocationOf(each) ?? []);
      const invalid = some.length - revocations.length;
      if (invalid > 0) this.invalid.report(new PartResultError(`${invalid} of ${some.length} in a batch`));
      yield revocations;
      await nextTurn();
    }
    // An endless source of empty batches stops neither the event loop nor the reader's end.
    yield [];
    await nextTurn();
  }
}

function iteratorOf(batches: AsyncIterable<unknown> | Iterable<unknown> | undefined): AsyncIterator<unknown> {
  const iterable = batches as Partial<AsyncIterable<unknown> & Iterable<unknown>> | undefined;
  const iterator = iterable?.[Symbol.asyncIterator]?.() ?? iterable?.[Symbol.iterator]?.();
  if (!iterator) throw new PartResultError('load has returned nothing to iterate over');
  return iterator as AsyncIterator<unknown>;
}

async function endSafely(batches: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await batches?.return?.();
  } catch {
    // What it has given is known, and it is read no more.
  }
}

function revocationOf(value: unknown): Revocation | undefined {
  const { kind, id, ttlMs } = (value ?? {}) as Record<keyof Revocation, unknown>;
  return isKind(kind) && isId(id) ? { kind, id, ttlMs: durationOf(ttlMs) } : undefined;
}

const isKind = (kind: unknown): kind is RevocationKind => kind === 'token' || kind === 'session';

const isId = (id: unknown): id is string => typeof id === 'string' && id !== '';

/** A TTL that memory can have. */
function durationOf(ttlMs: unknown): number {
  return typeof ttlMs === 'number' && Number.isFinite(ttlMs) ? Math.max(0, ttlMs) : ASSUMED_TTL_MS;
}

function durationFrom(ttlMs: unknown): number | PromiseLike<number> {
  return isPromiseLike(ttlMs) ? ttlMs.then(durationOf) : durationOf(ttlMs);
}
