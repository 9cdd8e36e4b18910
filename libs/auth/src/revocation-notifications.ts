import { randomId } from '@app/proxy';
import type { Redis } from 'ioredis';

/** Flags of `notify-keyspace-events`: by key, for strings, for commands of any type (`del`, `expire`). */
const FLAGS = 'K$g';

/** The events of the change that is made for a proof. */
const PROOF_EVENTS = ['set', 'expire'];

/** How long the key of a proof lives, in milliseconds. */
const PROOF_LIFE_MS = 60_000;

/** Called with the name of a key, without the prefix, and the event. Must not throw. */
export type NotificationListener = (name: string, event: string) => void;

/** Notifications of changes to keys with a prefix, over the connection that carries commands (RESP3), in order. */
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
    // Bytes, since a part of a string would keep the whole string in memory.
    client.on('pmessageBuffer', (_pattern: string, channel: Buffer, event: Buffer) =>
      this.listener(channel.toString('utf8', this.channelPrefix.length), event.toString()),
    );
    client.on('message', (channel: string, event: string) => {
      if (channel === this.proofChannel) this.received.add(event);
    });
    client.on('close', () => (this.isSubscribed = false));
  }

  /**
   * Whether Redis tells of every change from now on; asks for it if it does not.
   * @param onDoubt called as soon as a change was not heard of
   * @throws Error if the connection fails
   */
  async prove(onDoubt: () => void): Promise<boolean> {
    if ((await this.subscribe()) && (await this.receivesChanges())) return true;
    onDoubt();
    return this.isSubscribed && (await this.enableEvents()) && (await this.receivesChanges());
  }

  /** Whether Redis lets it. */
  private async subscribe(): Promise<boolean> {
    if (this.isSubscribed) return true;
    try {
      await this.client.psubscribe(`${this.channelPrefix}*`);
      // By its name: rights to a pattern are rights to that very pattern alone.
      await this.client.subscribe(this.proofChannel);
      this.isSubscribed = true;
    } catch (error) {
      if ((error as Error).name !== 'ReplyError') throw error;
    }
    return this.isSubscribed;
  }

  /** Adds the flags to those that are set. Whether Redis let it. */
  private async enableEvents(): Promise<boolean> {
    try {
      const [, set = ''] = await this.client.config('GET', 'notify-keyspace-events');
      // Redis knows the flags as a set, and `A` as all of them but `K` and `E`.
      await this.client.config('SET', 'notify-keyspace-events', set + FLAGS);
      return true;
    } catch {
      return false;
    }
  }

  /** Notifications come in order: before the answer to what follows the change. */
  private async receivesChanges(): Promise<boolean> {
    this.received.clear();
    try {
      await this.client.set(this.proofKey, '1', 'PX', PROOF_LIFE_MS);
      await this.client.ping();
    } catch (error) {
      // A Redis that takes no writes can be read all the same.
      if ((error as Error).name !== 'ReplyError') throw error;
    }
    return PROOF_EVENTS.every((event) => this.received.has(event));
  }
}
