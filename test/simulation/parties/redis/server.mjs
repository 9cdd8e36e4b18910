import { Connection } from './connection.mjs';
import { ExpiryCycle } from './expiry-cycle.mjs';
import { Keyspace } from './keyspace.mjs';
import { channelsOf, EventFlags, Subscriptions } from './notifications.mjs';
import { checkRefusalCode } from './refusals.mjs';

/**
 * A Redis in memory, for connections that something else accepts. It speaks RESP2 and RESP3 as Redis 7.0 does, carries the
 * commands and scripts of the product, notifies of events of keys, and has the faults that a scenario asks for at any moment.
 * Time is that of the globals at the moment of use.
 */
export class RedisStandIn {
  /** Whether connections are accepted; false while it restarts. */
  isListening = true;
  /** Whether the process is stopped. */
  isStopped = false;
  delayMs = 0;
  eventFlags = new EventFlags();
  subscriptions = new Subscriptions();
  scripts = new Map();
  rights = { deniedCommands: new Set(), deniesChannels: false };
  #connections = new Set();
  #lastId = 2;
  #commandListeners = [];
  #pushListeners = [];
  #refusalCode;
  #loadingUntil = -Infinity;
  #isLost = () => false;
  #initialFlags;
  #startTimer;
  #cycle = new ExpiryCycle(() => {
    this.keyspace.deleteExpired();
    this.flush();
  });

  /**
   * @param {object} options
   * @param {{ uint32(): number, chance(share: number): boolean }} options.random
   * @param {Readonly<Record<string, string>>} [options.passwords] by user; the user `default` needs none unless it is named
   * @param {string} [options.flags] `notify-keyspace-events` at each start, default none
   * @param {boolean} [options.pushesFollowReplies] whether a client's own changes are told after the reply, as since Redis 7.2;
   *   default false, as Redis 7.0
   * @param {() => number} [options.now] the clock of its machine, in milliseconds since 1970
   */
  constructor({ random, passwords = {}, flags = '', pushesFollowReplies = false, now = () => Date.now() }) {
    this.passwords = new Map(Object.entries(passwords));
    this.pushesFollowReplies = pushesFollowReplies;
    this.now = now;
    this.#initialFlags = flags;
    this.eventFlags.set(flags);
    this.keyspace = new Keyspace({ random, now, onEvent: (change) => this.#notify(change) });
  }

  /** Serves a connection. @param {import('node:net').Socket} socket */
  accept(socket) {
    this.#connections.add(new Connection(this, socket, ++this.#lastId));
  }

  /** Closes all connections, and accepts none from now on. */
  close() {
    clearTimeout(this.#startTimer);
    this.#cycle.stop();
    this.isListening = false;
    this.#destroyAll();
  }

  // What a scenario sees and does beside its clients.

  /** The string of a key of database 0; undefined if there is none. */
  get(key) {
    const value = this.keyspace.at(0).find(toBinary(key))?.value;
    this.flush();
    return value === undefined ? undefined : toText(String(value));
  }

  /** SET by another client, whatever the server refuses. @param {{ px?: number }} [options] TTL in milliseconds */
  set(key, value, { px } = {}) {
    const expiresAt = px === undefined ? Infinity : this.now() + px;
    this.keyspace.at(0).set(toBinary(key), toBinary(value), expiresAt);
    this.flush();
  }

  /** DEL by another client. @returns {boolean} whether there was a key */
  del(key) {
    const isDeleted = this.keyspace.at(0).delete(toBinary(key));
    this.flush();
    return isDeleted;
  }

  /** @param {(name: string, args: readonly string[], connection: Connection) => void} listener called before each command */
  onCommand(listener) {
    this.#commandListeners.push(listener);
  }

  /**
   * @param {(push: { connection: Connection, channel: string, message: string, pattern?: string }) => void} listener called
   *   when a notification was written to a connection
   */
  onPush(listener) {
    this.#pushListeners.push(listener);
  }

  // Faults.

  /** Writes all output so much later. Commands run when they arrive. @param {number} ms 0 for at once */
  delay(ms) {
    this.delayMs = ms;
  }

  /** Stops the process: it reads and writes nothing, and no connection closes. */
  stopResponding() {
    this.isStopped = true;
    this.#cycle.stop();
    for (const connection of this.#connections) connection.stop();
  }

  resume() {
    this.isStopped = false;
    for (const connection of this.#connections) connection.resume();
    this.flush();
  }

  /**
   * Refuses commands with an error of Redis.
   * @param {string | undefined} code `READONLY`, `NOREPLICAS`, `OOM`, `MISCONF` refuse writes, `MASTERDOWN`, `LOADING`, `BUSY`
   *   nearly all; undefined to end it
   * @throws {TypeError} for another code
   */
  refuseWrites(code) {
    if (code !== undefined) checkRefusalCode(code);
    this.#refusalCode = code;
  }

  /** Takes rights from all users. @param {{ deniedCommands?: readonly string[], deniesChannels?: boolean }} rights as `config|set` */
  setRights({ deniedCommands = [], deniesChannels = false }) {
    this.rights = { deniedCommands: new Set(deniedCommands), deniesChannels };
  }

  /** Loses notifications. @param {boolean | ((channel: string, event: string) => boolean)} isLost all, none, or which */
  loseNotifications(isLost) {
    this.#isLost = typeof isLost === 'function' ? isLost : () => isLost;
  }

  /**
   * Kills the process and starts it again.
   * @param {{ keepsData?: boolean, downMs?: number, loadingMs?: number }} [options] whether it has saved its keys, default
   *   true; milliseconds without a listener, default 100; milliseconds for which it then loads its keys, default 0
   */
  restart({ keepsData = true, downMs = 100, loadingMs = 0 } = {}) {
    this.#destroyAll();
    this.isStopped = false;
    this.scripts.clear();
    this.eventFlags.set(this.#initialFlags);
    if (keepsData) this.keyspace.deleteExpired({ notifies: false });
    else this.keyspace.clear();
    this.#loadingUntil = performance.now() + downMs + loadingMs;
    this.#listenAfter(downMs);
  }

  /**
   * Makes a replica the primary at the same address. Connections to a stopped primary, if they stay open, stay stopped until
   * `resume`.
   * @param {{ losesLastMs?: number, downMs?: number, keepsConnections?: boolean }} [options] milliseconds of writes that the
   *   replica lacks, default 0; milliseconds without a listener, default 0; whether connections stay open to the former primary,
   *   which is a replica from now on, default false
   */
  failover({ losesLastMs = 0, downMs = 0, keepsConnections = false } = {}) {
    this.keyspace.loseSince(performance.now() - losesLastMs);
    if (keepsConnections) for (const connection of this.#connections) connection.isReplica = true;
    else this.#destroyAll();
    this.scripts.clear();
    this.isStopped = false;
    this.#listenAfter(downMs);
  }

  // What connections and commands need.

  get connections() {
    return [...this.#connections];
  }

  get isLoading() {
    return this.#refusalCode === 'LOADING' || performance.now() < this.#loadingUntil;
  }

  isReplicaFor(connection) {
    return connection.isReplica || this.#refusalCode === 'READONLY' || this.#refusalCode === 'MASTERDOWN';
  }

  /** Why commands are refused. */
  refusalCodesFor(connection) {
    return [
      this.#refusalCode,
      this.isReplicaFor(connection) ? 'READONLY' : undefined,
      this.isLoading ? 'LOADING' : undefined,
    ];
  }

  /** @returns {number} how many got the message */
  publish(channel, message) {
    return this.subscriptions.publish(channel, message, (connection, push) => connection.push(push));
  }

  /** Writes what this turn has caused. */
  flush() {
    for (const connection of this.#connections) connection.flush();
    if (!this.isStopped) this.#cycle.schedule(this.keyspace.firstExpiry - this.now());
  }

  remove(connection) {
    this.#connections.delete(connection);
    this.subscriptions.removeAll(connection);
  }

  onCommandOf(connection, [name, ...args]) {
    for (const listener of this.#commandListeners) listener(name.toLowerCase(), args.map(toText), connection);
  }

  onPushOf(connection, { items: [, ...items] }) {
    const [message, channel, pattern] = items.map(toText).toReversed();
    const push = { connection, channel, message, ...(pattern !== undefined && { pattern }) };
    for (const listener of this.#pushListeners) listener(push);
  }

  #notify(change) {
    for (const [channel, message] of channelsOf(this.eventFlags, change)) {
      if (!this.#isLost(channel, change.event)) this.publish(channel, message);
    }
  }

  #destroyAll() {
    for (const connection of this.#connections) {
      connection.destroy();
      this.remove(connection);
    }
  }

  #listenAfter(ms) {
    clearTimeout(this.#startTimer);
    this.isListening = ms <= 0;
    if (ms > 0) this.#startTimer = setTimeout(() => (this.isListening = true), ms);
  }
}

/** Text as a binary string, one character for each byte, and back. */
const toBinary = (text) => Buffer.from(text).latin1Slice();
const toText = (binary) => Buffer.from(binary, 'latin1').toString();
