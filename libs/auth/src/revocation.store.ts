import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { RevocationRedis } from './revocation.redis.js';
import { RevokedTokens } from './revoked-tokens.js';

/** Called with the `jti` of a token as soon as it is known to be revoked. Must not throw. */
export type RevocationListener = (tokenId: string) => void;

/** The service that ends sessions writes `blacklist:JTI` with the rest of the token's life. */
const PREFIX = 'blacklist:';

/** Flags of `notify-keyspace-events`: by key, for strings, for commands of any type (`del`, `expire`). */
const FLAGS = 'K$g';

/** Events after which a key is there, with whatever life it has; each is a revocation. */
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

/** The events of the change that is made for a proof. */
const PROOF_EVENTS = ['set', 'expire'];

/** Keys of one SCAN step. */
const SCAN_COUNT = 1_000;

/** The lives of many keys, in milliseconds, as one command. */
const LIVES_SCRIPT =
  "local lives = {} for at, key in ipairs(KEYS) do lives[at] = redis.call('pttl', key) end return lives";

/** How often it is proven that notifications still come, in milliseconds, and how long the key for it lives. */
const PROOF_MS = 10_000;
const PROOF_LIFE_MS = 60_000;

/** Milliseconds that the boot waits for the tokens to be read. */
const BOOT_MS = 2_000;

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
export class RevocationStore implements OnApplicationBootstrap, OnApplicationShutdown {
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
  private readonly heard = new Set<string>();
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
    client.on('ready', () => void this.follow());
    this.proof = setInterval(() => void this.follow(), PROOF_MS).unref();
  }

  /** Once Redis is connected, and before the first request. */
  async onApplicationBootstrap(): Promise<void> {
    await Promise.race([this.follow(), delay(BOOT_MS, undefined, { ref: false })]);
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
    return !this.isComplete && this.redis.isReadable;
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
      const isRevoked = (await this.redis.read((client) => client.exists(PREFIX + tokenId))) === 1;
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
    if (this.redis.client.status !== 'ready') return;
    const { connection } = this;
    try {
      let isTold = (await this.subscribe()) && (await this.hearsChanges());
      if (!isTold) {
        this.isTold = false;
        isTold = this.isSubscribed && (await this.permit()) && (await this.hearsChanges());
      }
      // What changed while nobody told of it may have been missed; and who is not told must look again and again.
      const isStale = !this.isFilled || !isTold || !this.isTold;
      if (this.hasRoomAgain() || isStale) await this.fill();
      if (connection !== this.connection) return;
      this.isFilled = true;
      this.isTold = isTold;
    } catch {
      // Redis has gone again, or does not let us: the next proof, or the next connection, begins anew.
      this.isTold = this.isFilled = false;
    }
  }

  /** Whether all tokens may fit into memory now, which did not before. */
  private hasRoomAgain(): boolean {
    if (!this.tokens.hasForgotten) return false;
    const wasFilled = this.isFilled;
    // Before it is forgotten that something was.
    this.isFilled = false;
    if (this.tokens.makeRoom()) return true;
    this.isFilled = wasFilled;
    return false;
  }

  /** Whether Redis lets it. */
  private async subscribe(): Promise<boolean> {
    if (this.isSubscribed) return true;
    const patterns = [`${this.channelPrefix}${PREFIX}*`, `${this.channelPrefix}${this.proofKey}`];
    try {
      await this.redis.client.psubscribe(...patterns);
      this.isSubscribed = true;
    } catch (error) {
      if ((error as Error).name !== 'ReplyError') throw error;
    }
    return this.isSubscribed;
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
    const { client } = this.redis;
    this.heard.clear();
    try {
      await client.set(this.proofKey, '1', 'PX', PROOF_LIFE_MS);
      await client.ping();
    } catch (error) {
      // A Redis that takes no writes can be read all the same.
      if ((error as Error).name !== 'ReplyError') throw error;
    }
    return PROOF_EVENTS.every((event) => this.heard.has(event));
  }

  /** Reads all revoked tokens; those that are there from the beginning to the end are not missed by a SCAN. */
  private async fill(): Promise<void> {
    let cursor = '0';
    do {
      const [next, keys] = await this.redis.client.scan(cursor, 'MATCH', `${PREFIX}*`, 'COUNT', SCAN_COUNT);
      if (keys.length > 0) await this.read(keys);
      cursor = next;
    } while (cursor !== '0');
  }

  private async read(keys: readonly string[]): Promise<void> {
    const lives = (await this.redis.client.eval(LIVES_SCRIPT, keys.length, ...keys)) as number[];
    for (const [index, key] of keys.entries()) {
      const lifeMs = lives[index]!;
      if (lifeMs !== GONE) this.add(key.slice(PREFIX.length), lifeOf(lifeMs));
    }
  }

  private hear(channel: string, event: string): void {
    const key = channel.slice(this.channelPrefix.length);
    if (key === this.proofKey) this.heard.add(event);
    else if (REMOVALS.has(event)) this.tokens.delete(key.slice(PREFIX.length));
    else if (WRITES.has(event)) void this.measure(key.slice(PREFIX.length));
  }

  /** Revokes at once, for as long as the key lives. */
  private async measure(tokenId: string): Promise<void> {
    this.add(tokenId, UNKNOWN_LIFE_MS);
    const lifeMs = await this.redis.client.pttl(PREFIX + tokenId).catch(() => -1);
    if (this.tokens.has(tokenId)) this.tokens.add(tokenId, lifeOf(lifeMs) + SKEW_MS);
  }
}

/** The answer to PTTL where there is no key; -1 where it does not expire. */
const GONE = -2;

/** Of a key, by the answer to PTTL. */
function lifeOf(lifeMs: number): number {
  return lifeMs === -1 ? UNKNOWN_LIFE_MS : Math.max(0, lifeMs);
}
