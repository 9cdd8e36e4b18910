import { createMatcher } from './glob.mjs';
import { Push, ReplyError } from './resp.mjs';

/** Classes of events that `A` stands for, in the order in which Redis shows them. */
const ALL = 'g$lshzxetd'.split('');

/** Classes in the order in which Redis shows them: `n` and `m` are none of `A`. */
const SHOWN = [...ALL, 'n', 'K', 'E', 'm'];

/** The value of `notify-keyspace-events`. */
export class EventFlags {
  #flags = new Set();

  /** @param {string} text @throws {ReplyError} for an unknown character */
  set(text) {
    const flags = new Set(text.split('').flatMap((flag) => (flag === 'A' ? ALL : [flag])));
    if ([...flags].some((flag) => !SHOWN.includes(flag))) {
      throw new ReplyError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
    this.#flags = flags;
  }

  /** @param {string} flag */
  has(flag) {
    return this.#flags.has(flag);
  }

  toString() {
    const isAll = ALL.every((flag) => this.#flags.has(flag));
    // With `A`, Redis shows no `n` although it is set.
    const shown = isAll ? ['K', 'E', 'm'] : SHOWN;
    return (isAll ? 'A' : '') + shown.filter((flag) => this.#flags.has(flag)).join('');
  }
}

/** Who subscribes to which channels and patterns. Subscribers are `{ channels: Set, patterns: Set }`. */
export class Subscriptions {
  #channels = new Map();
  #patterns = new Map();

  subscribe(subscriber, channel) {
    subscriber.channels.add(channel);
    if (!this.#channels.has(channel)) this.#channels.set(channel, new Set());
    this.#channels.get(channel).add(subscriber);
  }

  subscribePattern(subscriber, pattern) {
    subscriber.patterns.add(pattern);
    if (!this.#patterns.has(pattern)) {
      this.#patterns.set(pattern, { matches: createMatcher(pattern), subscribers: new Set() });
    }
    this.#patterns.get(pattern).subscribers.add(subscriber);
  }

  unsubscribe(subscriber, channel) {
    subscriber.channels.delete(channel);
    const subscribers = this.#channels.get(channel);
    subscribers?.delete(subscriber);
    if (subscribers?.size === 0) this.#channels.delete(channel);
  }

  unsubscribePattern(subscriber, pattern) {
    subscriber.patterns.delete(pattern);
    const found = this.#patterns.get(pattern);
    found?.subscribers.delete(subscriber);
    if (found?.subscribers.size === 0) this.#patterns.delete(pattern);
  }

  removeAll(subscriber) {
    for (const channel of subscriber.channels) this.unsubscribe(subscriber, channel);
    for (const pattern of subscriber.patterns) this.unsubscribePattern(subscriber, pattern);
  }

  /**
   * Gives a message to all who subscribe to its channel, then to those whose patterns match.
   * @param {string} channel
   * @param {string} message
   * @param {(subscriber: object, push: Push) => void} send
   * @returns {number} how often it was given
   */
  publish(channel, message, send) {
    let count = 0;
    for (const subscriber of this.#channels.get(channel) ?? []) {
      send(subscriber, new Push(['message', channel, message]));
      count++;
    }
    for (const [pattern, { matches, subscribers }] of this.#patterns) {
      if (!matches(channel)) continue;
      for (const subscriber of subscribers) {
        send(subscriber, new Push(['pmessage', pattern, channel, message]));
        count++;
      }
    }
    return count;
  }
}

/**
 * The channels of an event of a key, in the order of Redis.
 * @param {EventFlags} flags
 * @param {{ type: string, event: string, key: string, database: number }} change
 * @returns {(readonly [channel: string, message: string])[]}
 */
export function channelsOf(flags, { type, event, key, database }) {
  if (!flags.has(type)) return [];
  const channels = [];
  if (flags.has('K')) channels.push([`__keyspace@${database}__:${key}`, event]);
  if (flags.has('E')) channels.push([`__keyevent@${database}__:${event}`, key]);
  return channels;
}
