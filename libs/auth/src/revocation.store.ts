import { randomUUID } from 'node:crypto';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { RevocationRedis } from './revocation.redis.js';
import { RevokedTokens } from './revoked-tokens.js';

/** Called with the `jti` of a token as soon as it is known to be revoked. Must not throw. */
export type RevocationListener = (tokenId: string) => void;

/** The service that ends sessions writes `blacklist:JTI` with the rest of the token's life. */
const PREFIX = 'blacklist:';

/** Flags of `notify-keyspace-events`: by key, for strings, for commands of any type (`del`, `expire`). */
const FLAGS = 'K$g';

/** What these events say of a key is no revocation: it moves on, or Redis needs its memory. */
const REMOVALS: ReadonlySet<string> = new Set(['del', 'rename_from', 'move_from']);
const ENDINGS: ReadonlySet<string> = new Set(['expired', 'evicted']);

/** Keys of one SCAN step. */
const SCAN_COUNT = 1_000;

/** The lives of many keys, in milliseconds, as one command. */
const LIVES_SCRIPT =
  "local lives = {} for at, key in ipairs(KEYS) do lives[at] = redis.call('pttl', key) end return lives";

/** How often it is proven that notifications still come, in milliseconds. */
const PROOF_MS = 10_000;

/**
 * A revoked token is known for so much longer than its key lives, in milliseconds: by this machine's clock the token
 * may expire later than by the clock of whoever issued it.
 */
const SKEW_MS = 5 * 60_000;

/** For a key that does not expire, or whose life could not be read, in milliseconds. */
const UNKNOWN_LIFE_MS = 24 * 3_600_000;

/**
 * Knows which access tokens were revoked before they expired, and tells those who must act on it.
 *
 * The revoked tokens of Redis are kept in memory, so that a request costs it nothing: a scan reads those that are
 * there, keyspace notifications bring each that follows, and every new connection begins with a scan again. Where
 * memory cannot be trusted to know all (notifications are not permitted, or do not come, or there are more tokens than
 * the bound) a token that is not known is looked up in Redis. Where that cannot be asked, what is known counts.
 */
export class RevocationStore implements OnApplicationShutdown {
  private readonly listeners: RevocationListener[] = [];
  private readonly tokens: RevokedTokens;
  private readonly proofKey = `gateway:notifications:${randomUUID()}`;
  private readonly channelPrefix: string;
  private readonly proof: NodeJS.Timeout;

  /** Counts connections, so that what was begun on one is not taken for done on the next. */
  private connection = 0;
  private following: Promise<void> | undefined;
  private isSubscribed = false;
  /** Whether the last change that was made for a proof was heard of. */
  private isTold = false;
  private hasHeard = false;
  private isFilled = false;

  /** @param mostTokens that are kept in memory, about 150 bytes each */
  constructor(
    private readonly redis: RevocationRedis,
    mostTokens: number,
  ) {
    const { client } = redis;
    this.tokens = new RevokedTokens(mostTokens);
    this.channelPrefix = `__keyspace@${client.options.db ?? 0}__:`;
    client.on('pmessage', (_pattern: string, channel: string, event: string) => this.hear(channel, event));
    client.on('close', () => this.lose());
    redis.onUp(() => this.follow());
    this.proof = setInterval(() => void this.follow(), PROOF_MS).unref();
  }

  /** Asks to be told of every revocation from now on. */
  onRevoked(listener: RevocationListener): void {
    this.listeners.push(listener);
  }

  /** Whether memory knows every revoked token; otherwise Redis is asked for each that it does not know. */
  get isComplete(): boolean {
    return this.isTold && this.isFilled && !this.tokens.hasForgotten;
  }

  /** Whether a token that memory does not know is looked up in Redis. */
  get isAsking(): boolean {
    return !this.isComplete && this.redis.isUp;
  }

  /** Revoked tokens in memory. */
  get size(): number {
    return this.tokens.size;
  }

  /** Whether the token with this `jti` was revoked. */
  isRevoked(tokenId: string): boolean | Promise<boolean> {
    if (this.tokens.has(tokenId)) return true;
    return this.isAsking ? this.lookUp(tokenId) : false;
  }

  /** Revokes a token at once, in this process. @param expiresAt the token's `exp`, in seconds since 1970 */
  revoke(tokenId: string, expiresAt: number): void {
    this.add(tokenId, Math.max(0, expiresAt * 1000 - Date.now()));
  }

  onApplicationShutdown(): void {
    clearInterval(this.proof);
  }

  private add(tokenId: string, lifeMs: number): void {
    if (!this.tokens.add(tokenId, lifeMs + SKEW_MS)) return;
    for (const listener of this.listeners) listener(tokenId);
  }

  private async lookUp(tokenId: string): Promise<boolean> {
    try {
      const isRevoked = (await this.redis.run((client) => client.exists(PREFIX + tokenId))) === 1;
      if (isRevoked) void this.measure(tokenId);
      return isRevoked;
    } catch {
      return false;
    }
  }

  private lose(): void {
    this.connection++;
    this.isSubscribed = this.isTold = this.isFilled = false;
  }

  /** Makes memory complete, or proves that it still is. */
  private follow(): Promise<void> {
    this.following ??= this.catchUp().finally(() => (this.following = undefined));
    return this.following;
  }

  private async catchUp(): Promise<void> {
    if (!this.redis.isUp) return;
    const { connection } = this;
    try {
      await this.subscribe();
      let isTold = await this.hearsChanges();
      if (!isTold) {
        this.isTold = false;
        isTold = (await this.permit()) && (await this.hearsChanges());
      }
      // What changed while nobody told of it may have been missed.
      const isStale = !this.isFilled || (isTold && !this.isTold);
      if (isStale || (this.tokens.hasForgotten && this.tokens.makeRoom())) await this.fill();
      if (connection !== this.connection) return;
      this.isFilled = true;
      this.isTold = isTold;
    } catch {
      // Redis has gone again, or does not let us: the next proof, or the next connection, begins anew.
      this.isTold = this.isFilled = false;
    }
  }

  private async subscribe(): Promise<void> {
    if (this.isSubscribed) return;
    const patterns = [`${this.channelPrefix}${PREFIX}*`, `${this.channelPrefix}${this.proofKey}`];
    await this.redis.run((client) => client.psubscribe(...patterns));
    this.isSubscribed = true;
  }

  /** Adds the flags to those that are set. Whether Redis let it. */
  private async permit(): Promise<boolean> {
    const { client } = this.redis;
    try {
      const [, set = ''] = await client.config('GET', 'notify-keyspace-events');
      // Redis knows the flags as a set, and `A` as all of them but `K` and `E`.
      await client.config('SET', 'notify-keyspace-events', set + FLAGS);
      return true;
    } catch {
      return false;
    }
  }

  /** Notifications come over the same connection, in order: before the answer to what follows the change. */
  private async hearsChanges(): Promise<boolean> {
    this.hasHeard = false;
    await this.redis.run((client) => client.set(this.proofKey, '1', 'PX', PROOF_MS));
    await this.redis.run((client) => client.ping());
    return this.hasHeard;
  }

  /** Reads all revoked tokens; those that are there from the beginning to the end are not missed by a SCAN. */
  private async fill(): Promise<void> {
    let cursor = '0';
    do {
      const [next, keys] = await this.redis.run((client) =>
        client.scan(cursor, 'MATCH', `${PREFIX}*`, 'COUNT', SCAN_COUNT),
      );
      if (keys.length > 0) await this.read(keys);
      cursor = next;
    } while (cursor !== '0');
  }

  private async read(keys: readonly string[]): Promise<void> {
    const lives = await this.redis.run((client) => client.eval(LIVES_SCRIPT, keys.length, ...keys));
    for (const [index, key] of keys.entries()) {
      this.add(key.slice(PREFIX.length), lifeOf((lives as number[])[index]!));
    }
  }

  private hear(channel: string, event: string): void {
    const key = channel.slice(this.channelPrefix.length);
    if (key === this.proofKey) this.hasHeard = true;
    else if (ENDINGS.has(event)) return;
    else if (REMOVALS.has(event)) this.tokens.delete(key.slice(PREFIX.length));
    else void this.measure(key.slice(PREFIX.length));
  }

  /** Revokes at once, for as long as the key lives. */
  private async measure(tokenId: string): Promise<void> {
    this.add(tokenId, UNKNOWN_LIFE_MS);
    const lifeMs = await this.redis.run((client) => client.pttl(PREFIX + tokenId)).catch(() => -1);
    if (this.tokens.has(tokenId)) this.tokens.add(tokenId, lifeOf(lifeMs) + SKEW_MS);
  }
}

/** Of a key, by the answer to PTTL: -1 where it does not expire, -2 where it is gone. */
function lifeOf(lifeMs: number): number {
  return lifeMs === -1 ? UNKNOWN_LIFE_MS : Math.max(0, lifeMs);
}
