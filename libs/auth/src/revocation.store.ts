import { delay } from '@app/proxy/internal';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Principal } from './principal.js';
import { formatKeyName, KEY_PREFIX, parseKeyName, type RevocationKind } from './revocation-keys.js';
import { ASSUMED_TTL_MS, NO_END, NO_KEY, RevocationLookups, toTtlMs } from './revocation-lookups.js';
import { RevocationNotifications } from './revocation-notifications.js';
import { readTtls, scanStep } from './revocation-scripts.js';
import type { RevocationRedis } from './revocation.redis.js';
import { RevokedIds } from './revoked-ids.js';

/** Called with the id of a token or session as soon as memory has its revocation. Must not throw. */
export type RevocationListener = (id: string, kind: RevocationKind) => void;

/**
 * Which revocations memory has:
 * - `complete`: all of them;
 * - `loading`: not all yet, since the scan has not ended;
 * - `overflow`: not all, since there are more than the bound;
 * - `unnotified`: those of the last scan, since Redis sends no notifications.
 */
export const REVOCATION_STATES = ['complete', 'loading', 'overflow', 'unnotified'] as const;
export type RevocationState = (typeof REVOCATION_STATES)[number];

/** The ids of a principal that can be revoked. */
export type RevocableIds = Pick<Principal, 'tokenId' | 'sessionId'>;

/** Milliseconds between two writes of a test key that check that Redis still sends notifications. */
const PROOF_MS = 10_000;

/** Longest time in milliseconds that the boot waits until the revocations are read. */
const BOOT_MS = 2_000;

/**
 * Milliseconds for which memory has a revocation after its key has expired: by this machine's clock a token may expire
 * later than by the clock of its issuer.
 */
const SKEW_MS = 10 * 60_000;

/** Shortest TTL of the key of a revoked session, in milliseconds; longer than any access token is valid. */
const SESSION_TTL_MS = 3_600_000;

/**
 * Keeps the ids of revoked access tokens and sessions, and calls listeners with each new one.
 *
 * The revocations of Redis are copied to memory, so that a request costs Redis nothing: a scan reads those that exist,
 * keyspace notifications bring each new one, and every new connection begins with a scan. If memory may be incomplete
 * (Redis does not permit or does not send notifications, or there are more revocations than the bound), an unknown id is
 * looked up in Redis, together with all others of that turn of the event loop. If Redis does not respond, memory alone
 * decides.
 */
export class RevocationStore implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly listeners: RevocationListener[] = [];
  private readonly ids: RevokedIds;
  private readonly notifications: RevocationNotifications;
  private readonly proofTimer: NodeJS.Timeout;
  /** Lookups for requests, within the time that a request can wait. */
  private readonly requestLookups: RevocationLookups;
  /** Lookups of the TTL of keys that Redis has notified of. */
  private readonly ttlLookups: RevocationLookups;

  /** Number of lost connections. `synchronizeOnce` discards its result if this has changed meanwhile. */
  private lostConnections = 0;
  private synchronizing: Promise<void> | undefined;
  /** Whether Redis notified of the last write of the test key. */
  private isNotified = false;
  private isLoaded = false;
  /** `Date.now()` when memory became complete. */
  private completeSince = Infinity;
  /** `performance.now()` when Redis was lost, initially the time of the start; undefined once synchronized. */
  private lostAt: number | undefined = performance.now();

  /** @param mostIds most ids in memory, tokens and sessions together; about 150 bytes each */
  constructor(
    private readonly redis: RevocationRedis,
    mostIds: number,
  ) {
    const { client } = redis;
    this.ids = new RevokedIds(mostIds);
    this.requestLookups = new RevocationLookups((keys) => redis.read(() => readTtls(client, keys)));
    this.ttlLookups = new RevocationLookups((keys) => readTtls(client, keys));
    this.notifications = new RevocationNotifications(client, KEY_PREFIX, this.onNotification);
    client.on('close', () => this.lose());
    client.on('ready', () => void this.synchronize());
    this.proofTimer = setInterval(() => void this.synchronize(), PROOF_MS).unref();
  }

  /** Reads the revocations before the first request; runs once Redis is connected. */
  async onApplicationBootstrap(): Promise<void> {
    await Promise.race([this.synchronize(), delay(BOOT_MS, { keepsAlive: false })]);
  }

  onRevoked(listener: RevocationListener): void {
    this.listeners.push(listener);
  }

  get state(): RevocationState {
    if (this.ids.hasForgotten) return 'overflow';
    if (!this.isLoaded) return 'loading';
    return this.isNotified ? 'complete' : 'unnotified';
  }

  get isComplete(): boolean {
    return this.state === 'complete';
  }

  /** Whether an id that memory does not have is looked up in Redis. */
  get usesLookups(): boolean {
    return !this.isComplete && this.redis.isReadable;
  }

  get size(): number {
    return this.ids.size;
  }

  /** Whether the token with this `jti`, or the session with this id, was revoked. */
  isRevoked(id: string, kind: RevocationKind = 'token'): boolean | Promise<boolean> {
    if (this.ids.has(kind, id)) return true;
    return this.usesLookups ? this.lookUp(kind, id) : false;
  }

  /** Whether memory has the token of a principal, or its session, as revoked. */
  isKnownRevoked({ tokenId, sessionId }: RevocableIds): boolean {
    return this.ids.has('token', tokenId) || (sessionId !== undefined && this.ids.has('session', sessionId));
  }

  /** Whether the token of a principal, or its session, was revoked. */
  isRevokedPrincipal({ tokenId, sessionId }: RevocableIds): boolean | Promise<boolean> {
    const isTokenRevoked = this.isRevoked(tokenId);
    if (isTokenRevoked === true || sessionId === undefined) return isTokenRevoked;
    const isSessionRevoked = this.isRevoked(sessionId, 'session');
    if (typeof isTokenRevoked === 'boolean' && typeof isSessionRevoked === 'boolean') return isSessionRevoked;
    return Promise.all([isTokenRevoked, isSessionRevoked]).then((found) => found.includes(true));
  }

  /** Revokes the token of a principal and its session at once, in this process. */
  revokePrincipal({ tokenId, sessionId, expiresAt }: RevocableIds & Pick<Principal, 'expiresAt'>): void {
    this.revoke(tokenId, expiresAt);
    if (sessionId !== undefined) this.add('session', sessionId, SESSION_TTL_MS);
  }

  /** Whether Redis was away longer than the shortest TTL of a session key: revocations may have expired unseen. */
  get hasMissedSessions(): boolean {
    return this.lostAt !== undefined && performance.now() - this.lostAt > SESSION_TTL_MS;
  }

  /**
   * Whether the revocation of a token past its `exp`, but within the clock tolerance, can still be checked. Redis deletes the
   * key of a token at its `exp`; after that only memory has it, if memory was complete before `exp`. The key of a session
   * outlives its tokens. If Redis is not readable, memory alone decides.
   */
  canCheckExpired({ sessionId, expiresAt }: Pick<Principal, 'sessionId' | 'expiresAt'>): boolean {
    if (sessionId !== undefined) return true;
    return this.isComplete ? this.completeSince <= expiresAt * 1000 : !this.redis.isReadable;
  }

  /** Revokes at once, in this process. @param expiresAt the token's `exp`, in seconds since 1970 */
  revoke(id: string, expiresAt: number, kind: RevocationKind = 'token'): void {
    this.add(kind, id, Math.max(0, expiresAt * 1000 - Date.now()));
  }

  onApplicationShutdown(): void {
    clearInterval(this.proofTimer);
  }

  private add(kind: RevocationKind, id: string, ttlMs: number): void {
    if (!this.ids.add(kind, id, ttlMs + SKEW_MS)) return;
    for (const listener of this.listeners) listener(id, kind);
  }

  private async lookUp(kind: RevocationKind, id: string): Promise<boolean> {
    const name = formatKeyName(kind, id);
    if (name === undefined) return false;
    try {
      const ttlMs = await this.requestLookups.get(KEY_PREFIX + name);
      if (ttlMs === NO_KEY) return false;
      this.add(kind, id, toTtlMs(ttlMs));
      return true;
    } catch {
      return false;
    }
  }

  private lose(): void {
    this.lostConnections++;
    this.lostAt ??= performance.now();
    this.isNotified = this.isLoaded = false;
  }

  /** Makes memory complete, or proves that it still is. One run at a time. */
  private synchronize(): Promise<void> {
    this.synchronizing ??= this.synchronizeOnce().finally(() => (this.synchronizing = undefined));
    return this.synchronizing;
  }

  private async synchronizeOnce(): Promise<void> {
    if (this.redis.client.status !== 'ready') return;
    const { lostConnections } = this;
    try {
      const isNotified = await this.notifications.prove(() => (this.isNotified = false));
      // Without notifications a revocation may be missing, so all are read again at each proof.
      const isStale = !this.isComplete || !isNotified;
      if (isStale) await this.load();
      if (lostConnections !== this.lostConnections) return;
      const wasComplete = this.isComplete;
      this.isLoaded = true;
      this.isNotified = isNotified;
      this.lostAt = undefined;
      if (!wasComplete) this.completeSince = Date.now();
    } catch {
      // Redis is away again or refuses: the next proof or the next connection starts over.
      this.isNotified = this.isLoaded = false;
    }
  }

  /** Reads all revocations, if there is room for them. */
  private async load(): Promise<void> {
    if (this.ids.hasForgotten) {
      // First, so that the state is `loading` once there is room again.
      this.isLoaded = false;
      if (!(await this.ids.makeRoom())) return;
    }
    let cursor = '0';
    do {
      const step = await scanStep(this.redis.client, KEY_PREFIX, cursor);
      for (const [name, ttlMs] of step.found) {
        const { kind, id } = parseKeyName(name);
        this.add(kind, id, toTtlMs(ttlMs));
      }
      ({ cursor } = step);
      // Past the bound, more ids would only displace those just read.
    } while (cursor !== '0' && !this.ids.hasForgotten);
  }

  private readonly onNotification = (name: string, exists: boolean): void => {
    const { kind, id } = parseKeyName(name);
    if (exists) void this.addWithTtl(kind, id, KEY_PREFIX + name);
    else this.ids.delete(kind, id);
  };

  /** Revokes at once, and then reads for how long. */
  private async addWithTtl(kind: RevocationKind, id: string, key: string): Promise<void> {
    this.add(kind, id, ASSUMED_TTL_MS);
    // SET with a TTL notifies of `set` and `expire` in one turn of the event loop: one lookup serves both.
    const ttlMs = await this.ttlLookups.get(key).catch(() => NO_END);
    if (this.ids.has(kind, id)) this.ids.add(kind, id, toTtlMs(ttlMs) + SKEW_MS);
  }
}
