import { randomId } from '@app/proxy/internal';
import type { Redis } from 'ioredis';

/** Flags of `notify-keyspace-events`: by key, for strings, for commands of any type (`del`, `expire`). */
const FLAGS = 'K$g';

/** Events after which a key exists, with or without a TTL. */
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

/** Events after which a key does not exist. Not `expired` and `evicted`: after those the token stays revoked. */
const REMOVALS: ReadonlySet<string> = new Set(['del', 'rename_from', 'move_from']);

/** The events of a write of the proof key. */
const PROOF_EVENTS = ['set', 'expire'];

/** TTL of the proof key, in milliseconds. */
const PROOF_TTL_MS = 60_000;

/** Called with the name of a key, without the prefix, and whether the key exists after the change. Must not throw. */
export type NotificationListener = (name: string, exists: boolean) => void;

/**
 * Notifications of changes to keys with a prefix. With RESP3 they come over the connection that also carries commands, in
 * the order of the changes and the replies.
 */
export class RevocationNotifications {
  private readonly proofKey = `gateway:notifications:${randomId()}`;
  private readonly received = new Set<string>();
  private readonly channelPrefix: string;
  private readonly proofChannel: string;
  private isSubscribed = false;

  constructor(
    private readonly client: Redis,
    prefix: string,
    private readonly listener: NotificationListener,
  ) {
    const keyspace = `__keyspace@${client.options.db ?? 0}__:`;
    this.channelPrefix = keyspace + prefix;
    this.proofChannel = keyspace + this.proofKey;
    // Bytes, since a substring would keep the whole string in memory.
    client.on('pmessageBuffer', (_pattern: string, channel: Buffer, event: Buffer) =>
      this.notify(channel.toString('utf8', this.channelPrefix.length), event.toString()),
    );
    client.on('message', (channel: string, event: string) => {
      if (channel === this.proofChannel) this.received.add(event);
    });
    client.on('close', () => (this.isSubscribed = false));
  }

  /**
   * Whether Redis notifies of every change from now on. If it does not, tries to configure Redis so.
   * @param onDoubt called as soon as a notification is missing, or Redis has refused the subscription
   * @throws Error if the connection fails
   */
  async prove(onDoubt: () => void): Promise<boolean> {
    if ((await this.subscribe()) && (await this.receivesChanges())) return true;
    onDoubt();
    return this.isSubscribed && (await this.enableEvents()) && (await this.receivesChanges());
  }

  private notify(name: string, event: string): void {
    if (WRITES.has(event)) this.listener(name, true);
    else if (REMOVALS.has(event)) this.listener(name, false);
  }

  /** Whether Redis permits the subscription. */
  private async subscribe(): Promise<boolean> {
    if (this.isSubscribed) return true;
    try {
      await this.client.psubscribe(`${this.channelPrefix}*`);
      // A subscription of its own: an ACL that permits the pattern above does not permit another pattern or this channel.
      await this.client.subscribe(this.proofChannel);
      this.isSubscribed = true;
    } catch (error) {
      if ((error as Error).name !== 'ReplyError') throw error;
    }
    return this.isSubscribed;
  }

  /** Adds the flags to those that are set. @returns whether Redis permitted it */
  private async enableEvents(): Promise<boolean> {
    try {
      const [, set = ''] = await this.client.config('GET', 'notify-keyspace-events');
      // Duplicates are ignored; `A` means all flags but `K` and `E`.
      await this.client.config('SET', 'notify-keyspace-events', set + FLAGS);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Whether Redis notifies of a write. The notifications of SET arrive before the reply to the PING behind it: if they have
   * not arrived by then, they will not.
   */
  private async receivesChanges(): Promise<boolean> {
    this.received.clear();
    try {
      await this.client.set(this.proofKey, '1', 'PX', PROOF_TTL_MS);
      await this.client.ping();
    } catch (error) {
      // A Redis that refuses writes can still be read.
      if ((error as Error).name !== 'ReplyError') throw error;
    }
    return PROOF_EVENTS.every((event) => this.received.has(event));
  }
}
