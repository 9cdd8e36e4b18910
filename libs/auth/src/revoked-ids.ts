import { nextTurn } from '@app/proxy/internal';
import type { RevocationKind } from './revocation-keys.js';

/** About the most entries of one part. V8 copies a whole map when it grows, at this size within a millisecond. */
const PART_ENTRIES = 4_096;

/** Entries that each new one checks, and deletes if they have expired. More than one, so that the set stops growing. */
const SWEEP_STEPS = 2;

/** The share of the bound below which a set that forgot an entry has room again. */
const ROOM = 0.75;

/** Number of last characters of an id that choose its part. */
const HASHED_CHARACTERS = 8;

/**
 * A bounded set of the ids of revoked tokens and sessions, each with its expiry. The set is divided into parts, so that no
 * call takes longer if the set is large or full.
 */
export class RevokedIds {
  private readonly parts: Readonly<Record<RevocationKind, readonly Part[]>>;
  private readonly allParts: readonly Part[];
  private entries = 0;
  private forgotten = false;
  /** No entry expires before this second of `performance.now()`, so none is checked before. */
  private firstEndsAt = Infinity;

  /** @param most entries of both kinds together, about 150 bytes each; past it an old entry is forgotten */
  constructor(private readonly most: number) {
    const length = Math.ceil(most / PART_ENTRIES);
    const createParts = (): Part[] => Array.from({ length }, () => new Part());
    this.parts = { token: createParts(), session: createParts() };
    this.allParts = [...this.parts.token, ...this.parts.session];
  }

  get size(): number {
    return this.entries;
  }

  /** Whether an entry was deleted before it expired, and there has been no room since. */
  get hasForgotten(): boolean {
    return this.forgotten;
  }

  has(kind: RevocationKind, id: string): boolean {
    return this.partOf(kind, id).endings.has(id);
  }

  /** @param ttlMs milliseconds until the entry expires @returns whether the id is new */
  add(kind: RevocationKind, id: string, ttlMs: number): boolean {
    const part = this.partOf(kind, id);
    const isNew = !part.endings.has(id);
    if (isNew) this.countNew(part);
    const endsAt = Math.ceil((performance.now() + ttlMs) / 1000);
    part.endings.set(id, endsAt);
    this.firstEndsAt = Math.min(this.firstEndsAt, endsAt);
    return isNew;
  }

  delete(kind: RevocationKind, id: string): void {
    if (this.partOf(kind, id).endings.delete(id)) this.entries--;
  }

  /** Deletes expired entries, one part in each turn of the event loop. @returns whether there is room again */
  async makeRoom(): Promise<boolean> {
    if (nowSeconds() >= this.firstEndsAt) {
      this.firstEndsAt = Infinity;
      for (const part of this.allParts) {
        this.entries -= part.sweepAll();
        this.firstEndsAt = Math.min(this.firstEndsAt, part.firstEndsAt);
        await nextTurn();
      }
    }
    if (this.entries <= this.most * ROOM) this.forgotten = false;
    return !this.forgotten;
  }

  /** Counts one more entry; at the bound, deletes an old one for it. */
  private countNew(part: Part): void {
    if (nowSeconds() >= this.firstEndsAt) this.entries -= part.sweep(SWEEP_STEPS);
    if (this.entries >= this.most) {
      const fuller = part.endings.size > 0 ? part : this.allParts.find(({ endings }) => endings.size > 0);
      fuller?.deleteOldest();
      this.entries--;
      this.forgotten = true;
    }
    this.entries++;
  }

  private partOf(kind: RevocationKind, id: string): Part {
    const parts = this.parts[kind];
    let hash = 0;
    for (let at = Math.max(0, id.length - HASHED_CHARACTERS); at < id.length; at++) {
      hash = (hash * 31 + id.charCodeAt(at)) | 0;
    }
    return parts[(hash >>> 0) % parts.length]!;
  }
}

class Part {
  /** Expiry by id, oldest entry first, in seconds of `performance.now()`: setting the system's clock changes nothing. */
  readonly endings = new Map<string, number>();
  private cursor = this.endings.entries();

  get firstEndsAt(): number {
    let first = Infinity;
    for (const endsAt of this.endings.values()) first = Math.min(first, endsAt);
    return first;
  }

  /** Deletes those of the next `steps` entries that have expired, in a circle. @returns how many */
  sweep(steps: number): number {
    const [now, before] = [nowSeconds(), this.endings.size];
    for (let step = 0; step < steps; step++) {
      const { value, done } = this.cursor.next();
      if (done) this.cursor = this.endings.entries();
      else if (value[1] <= now) this.endings.delete(value[0]);
    }
    return before - this.endings.size;
  }

  /** Deletes all expired entries. @returns how many */
  sweepAll(): number {
    const [now, before] = [nowSeconds(), this.endings.size];
    for (const [id, endsAt] of this.endings) if (endsAt <= now) this.endings.delete(id);
    return before - this.endings.size;
  }

  deleteOldest(): void {
    const [oldest] = this.endings.keys();
    this.endings.delete(oldest!);
  }
}

/** Whole seconds: V8 keeps a small integer in the map itself, and any other number in an object of its own. */
function nowSeconds(): number {
  return Math.floor(performance.now() / 1000);
}
