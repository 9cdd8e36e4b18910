import { formatKeyName, KEY_PREFIX, parseKeyName, type RevocationKind } from './revocation-keys.js';
import { NO_END, NO_KEY, RevocationLookups, toTtlMs } from './revocation-lookups.js';
import { RevocationNotifications } from './revocation-notifications.js';
import { readTtls, scanStep } from './revocation-scripts.js';
import type { RevocationRedis } from './revocation.redis.js';
import { RevocationSource, type Revocation, type RevocationWatcher } from './revocation.source.js';

/**
 * The gateway's own source: a scan reads the keys that exist, keyspace notifications bring each new one, and every new connection
 * begins with a scan. Lookups of one turn of the event loop are one command.
 */
export class RedisRevocationSource extends RevocationSource {
  /** Lookups for requests, within the time that a request can wait. */
  private readonly requestLookups: RevocationLookups;
  /** Lookups of the TTL of keys that Redis has notified of. */
  private readonly ttlLookups: RevocationLookups;
  private notifications: RevocationNotifications | undefined;

  constructor(private readonly redis: RevocationRedis) {
    super();
    const { client } = redis;
    this.requestLookups = new RevocationLookups((keys) => redis.read(() => readTtls(client, keys)));
    this.ttlLookups = new RevocationLookups((keys) => readTtls(client, keys));
  }

  override watch(watcher: RevocationWatcher): void {
    const { client } = this.redis;
    this.notifications = new RevocationNotifications(client, KEY_PREFIX, (name, exists) => {
      const { kind, id } = parseKeyName(name);
      if (exists) watcher.revoked(kind, id, this.readTtl(KEY_PREFIX + name));
      else watcher.restored(kind, id);
    });
    client.on('close', () => watcher.lost());
    client.on('ready', () => watcher.ready());
  }

  /** @throws Error if Redis is not connected, or the connection fails */
  override async proveWatch(onDoubt: () => void): Promise<boolean> {
    if (this.redis.client.status !== 'ready') throw new Error('Redis is not connected');
    return this.notifications!.prove(onDoubt);
  }

  async *load(): AsyncIterable<readonly Revocation[]> {
    let cursor = '0';
    do {
      const step = await scanStep(this.redis.client, KEY_PREFIX, cursor);
      yield step.found.map(([name, ttlMs]) => {
        const { kind, id } = parseKeyName(name);
        return { kind, id, ttlMs: toTtlMs(ttlMs) };
      });
      ({ cursor } = step);
    } while (cursor !== '0');
  }

  override get isReadable(): boolean {
    return this.redis.isReadable;
  }

  override async lookUp(kind: RevocationKind, id: string): Promise<number | undefined> {
    const name = formatKeyName(kind, id);
    if (name === undefined) return undefined;
    const ttlMs = await this.requestLookups.get(KEY_PREFIX + name);
    return ttlMs === NO_KEY ? undefined : toTtlMs(ttlMs);
  }

  /** SET with a TTL notifies of `set` and `expire` in one turn of the event loop: one lookup serves both. */
  private async readTtl(key: string): Promise<number> {
    return toTtlMs(await this.ttlLookups.get(key).catch(() => NO_END));
  }
}
