import { nextTurn } from '@app/proxy';
import type { RevocationKind } from './revocation-keys.js';

/** Entries of one part, at most about: V8 copies a whole map when it grows, and of so many within a millisecond. */
const PART_ENTRIES = 4_096;

/** Entries that each new one looks at, and deletes if they have ended: more than one, so that it overtakes growth. */
const SWEEP_STEPS = 2;

/** Of the bound, how much may be in use for the set to have room again after it forgot an entry. */
const ROOM = 0.75;

/** Of a `jti`, characters that choose its part. */
const HASHED_CHARACTERS = 8;

/**
 * A bounded set of the ids of revoked tokens and sessions, each with the moment from which it need not be known any
 * more. It is divided into parts, and no call takes longer because the set is large or full.
 */
export class RevokedIds {
  private readonly parts: Readonly<Record<RevocationKind, readonly Part[]>>;
  private readonly allParts: readonly Part[];
  private entries = 0;
  private forgotten = false;
  /** Before it no entry ends, and none is looked at. */
  private firstEndsAt = Infinity;

  /** @param most entries of both kinds together, about 150 bytes each; past it an old one is forgotten */
  constructor(private readonly most: number) {
    const length = Math.ceil(most / PART_ENTRIES);
    const createParts = (): Part[] => Array.from({ length }, () => new Part());
    this.parts = { token: createParts(), session: createParts() };
    this.allParts = [...this.parts.token, ...this.parts.session];
  }

  get size(): number {
    return this.entries;
  }

  /** Whether an entry was forgotten before its time, and there has been no room since. */
  get hasForgotten(): boolean {
    return this.forgotten;
  }

  has(kind: RevocationKind, id: string): boolean {
    return this.partOf(kind, id).endings.has(id);
  }

  /** Whether it was not there before. @param lifeMs for how long it must be known */
  add(kind: RevocationKind, id: string, lifeMs: number): boolean {
    const part = this.partOf(kind, id);
    const isNew = !part.endings.has(id);
    if (isNew) this.takePlace(part);
    const endsAt = Math.ceil((performance.now() + lifeMs) / 1000);
    part.endings.set(id, endsAt);
    this.firstEndsAt = Math.min(this.firstEndsAt, endsAt);
    return isNew;
  }

  delete(kind: RevocationKind, id: string): void {
    if (this.partOf(kind, id).endings.delete(id)) this.entries--;
  }

  /** Deletes the entries that have ended, a part in each turn of the event loop. Whether there is room again. */
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

  private takePlace(part: Part): void {
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
  /** Seconds of `performance.now()` by id, oldest entry first: no clock that somebody sets can bring an id back. */
  readonly endings = new Map<string, number>();
  private cursor = this.endings.entries();

  get firstEndsAt(): number {
    let first = Infinity;
    for (const endsAt of this.endings.values()) first = Math.min(first, endsAt);
    return first;
  }

  /** Looks at the next so many entries, in a circle. How many it deleted. */
  sweep(steps: number): number {
    const [now, before] = [nowSeconds(), this.endings.size];
    for (let step = 0; step < steps; step++) {
      const { value, done } = this.cursor.next();
      if (done) this.cursor = this.endings.entries();
      else if (value[1] <= now) this.endings.delete(value[0]);
    }
    return before - this.endings.size;
  }

  /** How many it deleted. */
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
