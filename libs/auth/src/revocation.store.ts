import { delay } from '@app/proxy';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { formatKeyName, KEY_PREFIX, parseKeyName, type RevocationKind } from './revocation-keys.js';
import { NO_END, NO_KEY, RevocationLookups } from './revocation-lookups.js';
import { RevocationNotifications } from './revocation-notifications.js';
import { readTtls, scanStep } from './revocation-scripts.js';
import type { RevocationRedis } from './revocation.redis.js';
import { RevokedIds } from './revoked-ids.js';

/** Called with the id of a token or session as soon as it is known to be revoked. Must not throw. */
export type RevocationListener = (id: string, kind: RevocationKind) => void;

/**
 * What memory knows of the revocations: all of them (`complete`), fewer until they are read (`loading`), fewer because
 * there are more than the bound (`overflow`), or none of now, since Redis may not notify (`unnotified`).
 */
export const REVOCATION_STATES = ['complete', 'loading', 'overflow', 'unnotified'] as const;
export type RevocationState = (typeof REVOCATION_STATES)[number];

/** What revocations name of a principal. */
export interface RevocableIds {
  readonly tokenId: string;
  readonly sessionId: string | undefined;
}

/** Events after which a key exists, with or without a TTL. Each is a revocation. */
const WRITES: ReadonlySet<string> = new Set([
  'set',
  'expire',
  'persist',
  'restore',
  'copy_to',
  'rename_to',
  'move_to',
  'append',
  'setrange',
  'incrby',
  'incrbyfloat',
]);

/** Events after which it is not. `expired` and `evicted` are none of them: the token stays revoked. */
const REMOVALS: ReadonlySet<string> = new Set(['del', 'rename_from', 'move_from']);

/** How often it is proven that notifications still come, in milliseconds. */
const PROOF_MS = 10_000;

/** Milliseconds that the boot waits for the revocations to be read. */
const BOOT_MS = 2_000;

/**
 * A revocation is known for so much longer than its key lives, in milliseconds: by this machine's clock a token may
 * expire later than by the clock of the service that issued it.
 */
const SKEW_MS = 10 * 60_000;

/** What keys of revoked sessions live at least, in milliseconds; more than any access token. */
const SESSION_LIFE_MS = 3_600_000;

/** For a key that does not expire, or whose life could not be read, in milliseconds. */
const UNKNOWN_LIFE_MS = 24 * 3_600_000;

/**
 * Knows which access tokens were revoked before they expired, and tells those who must act on it.
 *
 * The revocations of Redis are kept in memory, so that a request costs Redis nothing: a scan reads those that are
 * there, keyspace notifications bring each that follows, and every new connection begins with a scan again. If memory
 * cannot be trusted to know all (notifications are not permitted, or do not come, or there are more revocations than
 * the bound), an id that is not known is looked up in Redis, together with all others of that turn of the event loop.
 * If Redis cannot be asked, memory alone counts.
 */
export class RevocationStore implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly listeners: RevocationListener[] = [];
  private readonly ids: RevokedIds;
  private readonly notifications: RevocationNotifications;
  private readonly proof: NodeJS.Timeout;
  /** For requests, which wait for no longer than they may. */
  private readonly lookups: RevocationLookups;
  /** For keys that Redis told of. */
  private readonly lives: RevocationLookups;

  /** Counts connections, so that what was begun on one is not taken for done on the next. */
  private connection = 0;
  private following: Promise<void> | undefined;
  /** Whether the last change that was made for a proof was heard of. */
  private isNotified = false;
  private isLoaded = false;
  /** `Date.now()` since when memory has known every revocation. */
  private completeSince = Infinity;
  /** `performance.now()` since when Redis has told nothing; undefined while it does. */
  private lostAt: number | undefined = performance.now();

  /** @param mostIds that are kept in memory, tokens and sessions together, about 150 bytes each */
  constructor(
    private readonly redis: RevocationRedis,
    mostIds: number,
  ) {
    const { client } = redis;
    this.ids = new RevokedIds(mostIds);
    this.lookups = new RevocationLookups((keys) => redis.read(() => readTtls(client, keys)));
    this.lives = new RevocationLookups((keys) => readTtls(client, keys));
    this.notifications = new RevocationNotifications(client, KEY_PREFIX, (name, event) =>
      this.onNotification(name, event),
    );
    client.on('close', () => this.lose());
    client.on('ready', () => void this.follow());
    this.proof = setInterval(() => void this.follow(), PROOF_MS).unref();
  }

  /** Once Redis is connected, and before the first request. */
  async onApplicationBootstrap(): Promise<void> {
    await Promise.race([this.follow(), delay(BOOT_MS, { keepsAlive: false })]);
  }

  /** Asks to be told of every revocation from now on. */
  onRevoked(listener: RevocationListener): void {
    this.listeners.push(listener);
  }

  get state(): RevocationState {
    if (this.ids.hasForgotten) return 'overflow';
    if (!this.isLoaded) return 'loading';
    return this.isNotified ? 'complete' : 'unnotified';
  }

  /** Whether memory knows every revocation; otherwise Redis is asked for each id that memory does not know. */
  get isComplete(): boolean {
    return this.isNotified && this.isLoaded && !this.ids.hasForgotten;
  }

  /** Whether an id that memory does not know is looked up in Redis. */
  get usesLookups(): boolean {
    return !this.isComplete && this.redis.isReadable;
  }

  /** Revoked tokens and sessions in memory. */
  get size(): number {
    return this.ids.size;
  }

  /** Whether the token with this `jti`, or the session with this id, was revoked. */
  isRevoked(id: string, kind: RevocationKind = 'token'): boolean | Promise<boolean> {
    if (this.ids.has(kind, id)) return true;
    return this.usesLookups ? this.lookUp(kind, id) : false;
  }

  /** Whether the token of a principal, or its session, was revoked. */
  isRevokedPrincipal({ tokenId, sessionId }: RevocableIds): boolean | Promise<boolean> {
    const isToken = this.isRevoked(tokenId);
    if (isToken === true || sessionId === undefined) return isToken;
    const isSession = this.isRevoked(sessionId, 'session');
    if (typeof isToken === 'boolean' && typeof isSession === 'boolean') return isSession;
    return Promise.all([isToken, isSession]).then((found) => found.includes(true));
  }

  /**
   * Ends the session of a principal at once, in this process.
   * @param expiresAt the token's `exp`, in seconds since 1970
   */
  revokePrincipal({ tokenId, sessionId, expiresAt }: RevocableIds & { readonly expiresAt: number }): void {
    this.revoke(tokenId, expiresAt);
    if (sessionId !== undefined) this.add('session', sessionId, SESSION_LIFE_MS);
  }

  /**
   * Whether Redis has told nothing for longer than the key of a revoked session lives: then sessions may have ended of
   * which this process will never hear.
   */
  get hasMissedSessions(): boolean {
    return this.lostAt !== undefined && performance.now() - this.lostAt > SESSION_LIFE_MS;
  }

  /**
   * Whether the revocation of a token that has expired would still be known: the key of a token ends with the token, that of
   * a session does not. Without Redis nothing is known of any token, and all count as never revoked.
   * @param expiresAt the token's `exp`, in seconds since 1970
   */
  wouldKnowEnded({ sessionId, expiresAt }: RevocableIds & { readonly expiresAt: number }): boolean {
    if (sessionId !== undefined) return true;
    return this.isComplete ? this.completeSince <= expiresAt * 1000 : !this.redis.isReadable;
  }

  /** Revokes at once, in this process. @param expiresAt the token's `exp`, in seconds since 1970 */
  revoke(id: string, expiresAt: number, kind: RevocationKind = 'token'): void {
    this.add(kind, id, Math.max(0, expiresAt * 1000 - Date.now()));
  }

  onApplicationShutdown(): void {
    clearInterval(this.proof);
  }

  private add(kind: RevocationKind, id: string, lifeMs: number): void {
    if (!this.ids.add(kind, id, lifeMs + SKEW_MS)) return;
    for (const listener of this.listeners) listener(id, kind);
  }

  private async lookUp(kind: RevocationKind, id: string): Promise<boolean> {
    const name = formatKeyName(kind, id);
    if (name === undefined) return false;
    try {
      const lifeMs = await this.lookups.get(KEY_PREFIX + name);
      if (lifeMs === NO_KEY) return false;
      this.add(kind, id, toLifeMs(lifeMs));
      return true;
    } catch {
      return false;
    }
  }

  private lose(): void {
    this.connection++;
    this.lostAt ??= performance.now();
    this.isNotified = this.isLoaded = false;
  }

  /** Makes memory complete, or proves that it still is. */
  private follow(): Promise<void> {
    this.following ??= this.catchUp().finally(() => (this.following = undefined));
    return this.following;
  }

  private async catchUp(): Promise<void> {
    if (this.redis.client.status !== 'ready') return;
    const { connection } = this;
    try {
      const isTold = await this.notifications.prove(() => (this.isNotified = false));
      // A change that nobody told of may have been missed, so without notifications all is read again and again.
      const isStale = this.ids.hasForgotten || !this.isLoaded || !isTold || !this.isNotified;
      if (isStale) await this.load();
      if (connection !== this.connection) return;
      const wasComplete = this.isComplete;
      this.isLoaded = true;
      this.isNotified = isTold;
      this.lostAt = undefined;
      if (!wasComplete) this.completeSince = Date.now();
    } catch {
      // Redis has gone again, or does not let us: the next proof, or the next connection, begins anew.
      this.isNotified = this.isLoaded = false;
    }
  }

  /** Reads all revocations, unless there is no room for them. */
  private async load(): Promise<void> {
    if (this.ids.hasForgotten) {
      // Before the set says that it has forgotten none.
      this.isLoaded = false;
      if (!(await this.ids.makeRoom())) return;
    }
    let cursor = '0';
    do {
      const step = await scanStep(this.redis.client, KEY_PREFIX, cursor);
      for (const [name, lifeMs] of step.found) {
        const { kind, id } = parseKeyName(name);
        this.add(kind, id, toLifeMs(lifeMs));
      }
      ({ cursor } = step);
      // More would only displace what has just been read.
    } while (cursor !== '0' && !this.ids.hasForgotten);
  }

  private onNotification(name: string, event: string): void {
    const { kind, id } = parseKeyName(name);
    if (REMOVALS.has(event)) this.ids.delete(kind, id);
    else if (WRITES.has(event)) void this.measure(kind, id, KEY_PREFIX + name);
  }

  /** Revokes at once, for as long as the key lives. */
  private async measure(kind: RevocationKind, id: string, key: string): Promise<void> {
    this.add(kind, id, UNKNOWN_LIFE_MS);
    // SET with a life is told as `set` and `expire`, both in one turn of the event loop: they share one question.
    const lifeMs = await this.lives.get(key).catch(() => NO_END);
    if (this.ids.has(kind, id)) this.ids.add(kind, id, toLifeMs(lifeMs) + SKEW_MS);
  }
}

/** Of a key, by the answer to PTTL. */
function toLifeMs(lifeMs: number): number {
  return lifeMs === NO_END ? UNKNOWN_LIFE_MS : Math.max(0, lifeMs);
}
