import { delay, isReplaced, withTimeout } from '@app/proxy/internal';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { RevocationSource, type RevocationRedis } from '@app/auth/internal';
import { RateLimitStore } from '../limits/rate-limit.store.js';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { Redis } from 'ioredis';
import { READABLE_FAILURE_KINDS, redisFailureKindOf, type RedisFailureKind } from './redis-failure-kind.js';

/** Milliseconds between two probes while Redis is degraded. */
const PROBE_MS = 500;

/** Milliseconds between two probes while Redis is healthy. */
const PROBE_HEALTHY_MS = 2_000;

/** Milliseconds that each failed connection adds to the delay before the next. */
const RECONNECT_STEP_MS = 50;

/** The longest delay before the next connection, and the timeout of one, in milliseconds. */
const RECONNECT_MOST_MS = 1_000;

/** Timeout of commands that no request waits for, in milliseconds. */
const BACKGROUND_TIMEOUT_MS = 1_000;

/** Milliseconds that the boot waits for Redis. It does not fail without Redis. */
const BOOT_MS = 2_000;

/** Who does not respond, in errors. */
const REDIS = 'Redis';

/** Writes by a script, as rate limits do. */
const PROBE_SCRIPT = "return redis.call('set', KEYS[1], '1', 'PX', 60000)";
const PROBE_KEY = 'gateway:probe';

/** Called with the duration of a command, in milliseconds. */
export type CommandListener = (elapsedMs: number) => void;

/** The command was not sent, since Redis is degraded. */
class RedisDegradedError extends Error {
  override readonly name = 'RedisDegradedError';
}

/**
 * The process's one connection to Redis. A request waits for it no longer than the timeout of one command: the first
 * command that fails makes Redis degraded, and writes are sent again only after a probe has written. If the server is
 * connected and refuses writes (it became a replica, loads its data, or lost its replicas), each probe opens a second
 * connection, which resolves the name again. Once that one can write, the gateway reconnects.
 */
@Injectable()
export class RedisConnection implements RevocationRedis, OnModuleInit, OnApplicationShutdown {
  readonly client: Redis;
  /** False if a team has another store of rate limits and another source of revocations: then nothing connects. */
  readonly isUsed: boolean;
  private readonly logger = new Logger(RedisConnection.name);
  private readonly commandListeners: CommandListener[] = [];
  private currentFailureKind: RedisFailureKind | undefined = 'unreachable';
  /** `performance.now()` when Redis became degraded. */
  private degradedSince = performance.now();
  private hasStarted = false;
  private probing: Promise<void> | undefined;
  private probedAt = -Infinity;
  /** The second connection, while it is probed. */
  private successor: Redis | undefined;
  private readonly probes: NodeJS.Timeout;

  private readonly commandTimeoutMs: number;

  constructor(@Inject(SETTINGS) { redis }: Settings, discovery: DiscoveryService) {
    this.isUsed = ![RateLimitStore, RevocationSource].every((token) => isReplaced(discovery, token));
    this.commandTimeoutMs = redis.commandTimeoutMs;
    this.client = new Redis(redis.url, {
      ...(redis.password !== undefined && { password: redis.password }),
      lazyConnect: true,
      connectionName: 'gateway',
      // For `CLIENT SETINFO` the Redis user would need a further right.
      disableClientInfo: true,
      connectTimeout: RECONNECT_MOST_MS,
      commandTimeout: BACKGROUND_TIMEOUT_MS,
      // The check of ioredis would delay the boot while Redis loads its data, and the probe checks more.
      enableReadyCheck: false,
      enableAutoPipelining: true,
      // A lookup already has the keys of many requests; a pipeline would double its CPU time.
      autoPipeliningIgnoredCommands: ['eval'],
      // No request waits for a command that cannot be sent now.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      autoResubscribe: false,
      // The commands in flight are given up.
      disconnectTimeout: 50,
      retryStrategy: (times) => Math.min(times * RECONNECT_STEP_MS, RECONNECT_MOST_MS),
    });
    this.client.on('error', (error) => this.degrade(redisFailureKindOf(error)));
    this.client.on('close', () => this.currentFailureKind ?? this.degrade('unreachable'));
    this.client.on('ready', () => void this.probe());
    this.probes = setInterval(() => this.probeIfDue(), PROBE_MS).unref();
  }

  /** Why Redis is degraded; undefined while it is healthy. */
  get failureKind(): RedisFailureKind | undefined {
    return this.currentFailureKind;
  }

  get isUp(): boolean {
    return this.currentFailureKind === undefined;
  }

  get isReadable(): boolean {
    return this.currentFailureKind === undefined || READABLE_FAILURE_KINDS.has(this.currentFailureKind);
  }

  /** Adds a listener for the durations of commands. The listener must not throw. */
  onCommand(listener: CommandListener): void {
    this.commandListeners.push(listener);
  }

  async onModuleInit(): Promise<void> {
    if (!this.isUsed) return;
    const begun = this.client
      .connect()
      .then(() => this.probe())
      .catch(() => {});
    await Promise.race([begun, delay(BOOT_MS, { keepsAlive: false })]);
    this.hasStarted = true;
    if (this.currentFailureKind !== undefined) this.reportDegraded(this.currentFailureKind);
  }

  /** Runs a command that writes. @throws Error if Redis is degraded, or if the command fails or times out */
  async run<Result>(send: (client: Redis) => Promise<Result>): Promise<Result> {
    if (!this.isUp) throw new RedisDegradedError(this.currentFailureKind);
    return this.timed(send, this.commandTimeoutMs);
  }

  async read<Result>(send: (client: Redis) => Promise<Result>): Promise<Result> {
    if (!this.isReadable) throw new RedisDegradedError(this.currentFailureKind);
    // Half of the time, since the same request may wait for its rate limit too.
    return this.timed(send, this.commandTimeoutMs / 2);
  }

  private async timed<Result>(send: (client: Redis) => Promise<Result>, withinMs: number): Promise<Result> {
    const startedAt = performance.now();
    try {
      return await withTimeout(withinMs, send(this.client), REDIS);
    } catch (error) {
      // A Redis user without the right to this command may still run the others.
      if (!(error as Error).message.startsWith('NOPERM')) this.degrade(redisFailureKindOf(error));
      throw error;
    } finally {
      for (const listener of this.commandListeners) listener(performance.now() - startedAt);
    }
  }

  onApplicationShutdown(): void {
    clearInterval(this.probes);
    this.successor?.disconnect();
    this.client.removeAllListeners('close').disconnect();
  }

  private probeIfDue(): void {
    // Without commands, only a probe shows that a server refuses writes.
    if (!this.isUp || performance.now() - this.probedAt >= PROBE_HEALTHY_MS) void this.probe();
  }

  /** Probes Redis, unless a probe is running. */
  private probe(): Promise<void> {
    this.probing ??= this.probeWrite().finally(() => (this.probing = undefined));
    return this.probing;
  }

  private async probeWrite(): Promise<void> {
    if (this.client.status !== 'ready') return;
    const wasUp = this.isUp;
    this.probedAt = performance.now();
    // While Redis is healthy, only the commands of requests decide whether it is too slow.
    const failureKind = await this.probeServer(
      this.client,
      wasUp ? BACKGROUND_TIMEOUT_MS : this.commandTimeoutMs,
    );
    if (failureKind !== undefined) {
      this.degrade(failureKind);
      if (await this.probeSuccessor()) this.client.disconnect(true);
    } else if (!wasUp) {
      this.currentFailureKind = undefined;
      if (this.hasStarted) this.reportRecovered();
    }
  }

  /** Why a server refuses writes; undefined if it accepts them. */
  private async probeServer(client: Redis, timeoutMs: number): Promise<RedisFailureKind | undefined> {
    try {
      await withTimeout(timeoutMs, client.eval(PROBE_SCRIPT, 1, PROBE_KEY), REDIS);
      return undefined;
    } catch (error) {
      return redisFailureKindOf(error);
    }
  }

  /** Whether a second connection can write. Meanwhile revocations are read over the first. */
  private async probeSuccessor(): Promise<boolean> {
    const successor = this.client.duplicate({ connectionName: 'gateway-probe', retryStrategy: () => null });
    successor.on('error', () => {});
    this.successor = successor;
    try {
      // At most until the next probe of the first connection.
      await withTimeout(PROBE_MS, successor.connect(), REDIS);
      return (await this.probeServer(successor, this.commandTimeoutMs)) === undefined;
    } catch {
      return false;
    } finally {
      successor.disconnect();
      this.successor = undefined;
    }
  }

  private degrade(failureKind: RedisFailureKind): void {
    const wasUp = this.isUp;
    this.currentFailureKind = failureKind;
    if (!wasUp) return;
    this.degradedSince = performance.now();
    if (this.hasStarted) this.reportDegraded(failureKind);
  }

  private reportDegraded(reason: RedisFailureKind): void {
    this.logger.warn({ message: 'redis degraded: limits and revocation go on from memory', reason });
  }

  private reportRecovered(): void {
    const awayMs = Math.round(performance.now() - this.degradedSince);
    this.logger.log({ message: 'redis is back', away_ms: awayMs });
  }
}
