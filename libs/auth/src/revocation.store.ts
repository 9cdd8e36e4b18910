import { delay } from '@app/proxy/internal';
import type { OnApplicationBootstrap, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { Principal } from './principal.js';
import type { RevocationKind } from './revocation-keys.js';
import { ASSUMED_TTL_MS } from './revocation-lookups.js';
import { NoRevocations } from './no-revocations.source.js';
import type { RevocationSource, RevocationWatcher } from './revocation.source.js';
import { RevokedIds } from './revoked-ids.js';

/** Called with the id of a token or session as soon as memory has its revocation. Must not throw. */
export type RevocationListener = (id: string, kind: RevocationKind) => void;

/**
 * Which revocations memory has:
 * - `complete`: all of them;
 * - `loading`: not all yet, since the scan has not ended;
 * - `overflow`: not all, since there are more than the bound;
 * - `unnotified`: those of the last scan, since the source sends no notifications.
 */
export const REVOCATION_STATES = ['complete', 'loading', 'overflow', 'unnotified'] as const;
export type RevocationState = (typeof REVOCATION_STATES)[number];

/** The ids of a principal that can be revoked. */
export type RevocableIds = Pick<Principal, 'tokenId' | 'sessionId'>;

/** Milliseconds between two proofs that the source still sends notifications. */
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
 * The revocations of the source are copied to memory, so that a request asks nobody: a scan reads those that exist, and
 * notifications bring each new one. If memory may be incomplete (the source sends no notifications, or there are more revocations
 * than the bound), an unknown id is looked up in the source. If the source does not respond, memory alone decides.
 */
export class RevocationStore implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly listeners: RevocationListener[] = [];
  private readonly ids: RevokedIds;
  /** Before the boot has found it: none. */
  private source: RevocationSource = new NoRevocations();
  private proofTimer: NodeJS.Timeout | undefined;

  /** Number of lost connections. `synchronizeOnce` discards its result if this has changed meanwhile. */
  private lostConnections = 0;
  private synchronizing: Promise<void> | undefined;
  /** Whether the last proof showed that the source sends notifications. */
  private isNotified = false;
  private isLoaded = false;
  private isStopped = false;
  /** `Date.now()` when memory became complete. */
  private completeSince = Infinity;
  /** `performance.now()` when the source was lost, initially the time of the start; undefined once synchronized. */
  private lostAt: number | undefined = performance.now();

  /**
   * @param findSource called once, when all providers exist
   * @param mostIds most ids in memory, tokens and sessions together; about 150 bytes each
   */
  constructor(
    private readonly findSource: () => RevocationSource,
    mostIds: number,
  ) {
    this.ids = new RevokedIds(mostIds);
  }

  /** @throws PartConfigurationError */
  onModuleInit(): void {
    this.source = this.findSource();
    this.source.watch(this.watcher);
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

  /** Whether an id that memory does not have is looked up in the source. */
  get usesLookups(): boolean {
    return !this.isComplete && this.source.isReadable;
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

  /** Whether the source was away longer than the shortest TTL of a session key: revocations may have expired unseen. */
  get hasMissedSessions(): boolean {
    return this.lostAt !== undefined && performance.now() - this.lostAt > SESSION_TTL_MS;
  }

  /**
   * Whether the revocation of a token past its `exp`, but within the clock tolerance, can still be checked. Redis deletes the
   * key of a token at its `exp`; after that only memory has it, if memory was complete before `exp`. The key of a session
   * outlives its tokens. If the source is not readable, memory alone decides.
   */
  canCheckExpired({ sessionId, expiresAt }: Pick<Principal, 'sessionId' | 'expiresAt'>): boolean {
    if (sessionId !== undefined) return true;
    return this.isComplete ? this.completeSince <= expiresAt * 1000 : !this.source.isReadable;
  }

  /** Revokes at once, in this process. @param expiresAt the token's `exp`, in seconds since 1970 */
  revoke(id: string, expiresAt: number, kind: RevocationKind = 'token'): void {
    this.add(kind, id, Math.max(0, expiresAt * 1000 - Date.now()));
  }

  onApplicationShutdown(): void {
    clearInterval(this.proofTimer);
    this.isStopped = true;
  }

  private add(kind: RevocationKind, id: string, ttlMs: number): void {
    if (!this.ids.add(kind, id, ttlMs + SKEW_MS)) return;
    for (const listener of this.listeners) listener(id, kind);
  }

  private async lookUp(kind: RevocationKind, id: string): Promise<boolean> {
    try {
      const ttlMs = await this.source.lookUp(kind, id);
      if (ttlMs === undefined) return false;
      this.add(kind, id, ttlMs);
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
    const { lostConnections } = this;
    try {
      const isNotified = await this.source.proveWatch(() => (this.isNotified = false));
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
      // The source is away or refuses: the next proof or the next connection starts over.
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
    for await (const batch of this.source.load()) {
      for (const { kind, id, ttlMs } of batch) this.add(kind, id, ttlMs ?? ASSUMED_TTL_MS);
      // Past the bound, more ids would only displace those just read.
      if (this.ids.hasForgotten || this.isStopped) return;
    }
  }

  private readonly watcher: RevocationWatcher = {
    revoked: (kind, id, ttlMs = ASSUMED_TTL_MS) => {
      if (typeof ttlMs === 'number') this.add(kind, id, ttlMs);
      else void this.addWithTtl(kind, id, ttlMs);
    },
    restored: (kind, id) => this.ids.delete(kind, id),
    ready: () => void this.synchronize(),
    lost: () => this.lose(),
  };

  /** Revokes at once, and then learns for how long. */
  private async addWithTtl(kind: RevocationKind, id: string, ttl: PromiseLike<number>): Promise<void> {
    this.add(kind, id, ASSUMED_TTL_MS);
    try {
      const ttlMs = await ttl;
      if (this.ids.has(kind, id)) this.ids.add(kind, id, ttlMs + SKEW_MS);
    } catch {
      // It stays revoked for the assumed time.
    }
  }
}
