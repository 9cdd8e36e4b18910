import { SETTINGS, type Settings } from '@app/gateway';
import type { RevocationRedis } from '@app/auth';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import {
  READABLE_FAULTS,
  redisFailureKindOf,
  RedisSlowError,
  type RedisFailureKind,
} from './redis-failure-kind.js';

/** How often it is tried whether Redis is well again, in milliseconds, and how often whether it still is. */
const PROBE_MS = 500;
const PROBE_HEALTHY_MS = 2_000;

/** Milliseconds between two tries to connect: the first, with every further one as much more, and the most. */
const RECONNECT_STEP_MS = 50;
const RECONNECT_MOST_MS = 1_000;

/** Milliseconds for what no request waits for. */
const BACKGROUND_TIMEOUT_MS = 1_000;

/** Milliseconds that the boot waits for Redis. */
const BOOT_MS = 2_000;

/** Of the time for an answer, milliseconds that a busy process does not use up. */
const LAST_PART_MS = 10;

/** What every limit needs: a script that writes. */
const PROBE_SCRIPT = "return redis.call('set', KEYS[1], '1', 'PX', 60000)";
const PROBE_KEY = 'gateway:probe';

/** Called with the duration of a command, in milliseconds. */
export type CommandListener = (elapsedMs: number) => void;

/** Redis did not get the command: it is bypassed at present. */
class RedisBypassedError extends Error {
  override readonly name = 'RedisPassedByError';
}

/**
 * The one connection to Redis. Whatever is wrong with it, no request waits for it longer than one command may take:
 * after the first that fails Redis is bypassed, until a probe finds that it takes writes again. A server that is
 * connected and takes none (a master that became a replica, one that loads its data or lost its replicas) is left as
 * soon as a new connection, for which the name is resolved anew, finds a server that does.
 */
@Injectable()
export class RedisConnection implements RevocationRedis, OnModuleInit, OnApplicationShutdown {
  readonly client: Redis;
  private readonly logger = new Logger(RedisConnection.name);
  private readonly commandListeners: CommandListener[] = [];
  private currentFault: RedisFailureKind | undefined = 'unreachable';
  /** `performance.now()` of when it began to be bypassed. */
  private bypassedSince = performance.now();
  private hasStarted = false;
  private probing: Promise<void> | undefined;
  private probedAt = -Infinity;
  /** A new connection, while it is probed. */
  private successor: Redis | undefined;
  private readonly probes: NodeJS.Timeout;

  private readonly commandTimeoutMs: number;

  constructor(@Inject(SETTINGS) { redis }: Settings) {
    this.commandTimeoutMs = redis.commandTimeoutMs;
    this.client = new Redis(redis.url, {
      ...(redis.password !== undefined && { password: redis.password }),
      lazyConnect: true,
      connectionName: 'gateway',
      // One right less that its user needs.
      disableClientInfo: true,
      connectTimeout: RECONNECT_MOST_MS,
      commandTimeout: BACKGROUND_TIMEOUT_MS,
      // The probe finds out more, and a Redis that loads its data would hold up the boot.
      enableReadyCheck: false,
      enableAutoPipelining: true,
      // A look-up has the keys of many requests; to put it into a pipeline as well would double its CPU time.
      autoPipeliningIgnoredCommands: ['eval'],
      // What cannot be sent now is of no use later.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      autoResubscribe: false,
      // There is nothing to wait for: what was not answered is given up.
      disconnectTimeout: 50,
      retryStrategy: (times) => Math.min(times * RECONNECT_STEP_MS, RECONNECT_MOST_MS),
    });
    this.client.on('error', (error) => this.bypass(redisFailureKindOf(error)));
    this.client.on('close', () => this.currentFault ?? this.bypass('unreachable'));
    this.client.on('ready', () => void this.probe());
    this.probes = setInterval(() => this.probeIfDue(), PROBE_MS).unref();
  }

  /** Why Redis is bypassed; undefined while it is not. */
  get fault(): RedisFailureKind | undefined {
    return this.currentFault;
  }

  get isUp(): boolean {
    return this.currentFault === undefined;
  }

  get isReadable(): boolean {
    return this.currentFault === undefined || READABLE_FAULTS.has(this.currentFault);
  }

  /** Asks to be told of every command's duration. Must not throw. */
  onCommand(listener: CommandListener): void {
    this.commandListeners.push(listener);
  }

  async onModuleInit(): Promise<void> {
    const begun = this.client
      .connect()
      .then(() => this.probe())
      .catch(() => {});
    await Promise.race([begun, delay(BOOT_MS, undefined, { ref: false })]);
    this.hasStarted = true;
    if (this.currentFault !== undefined) this.reportDegraded(this.currentFault);
  }

  /** Runs a command that writes, unless Redis is bypassed. @throws Error where it is, or fails, or is slow */
  async run<Result>(send: (client: Redis) => Promise<Result>): Promise<Result> {
    if (!this.isUp) throw new RedisBypassedError(this.currentFault);
    return this.timed(send, this.commandTimeoutMs);
  }

  async read<Result>(send: (client: Redis) => Promise<Result>): Promise<Result> {
    if (!this.isReadable) throw new RedisBypassedError(this.currentFault);
    // A request may have to wait for its limit too.
    return this.timed(send, this.commandTimeoutMs / 2);
  }

  private async timed<Result>(send: (client: Redis) => Promise<Result>, withinMs: number): Promise<Result> {
    const startedAt = performance.now();
    try {
      return await withTimeout(withinMs, send(this.client));
    } catch (error) {
      // A command that this user may not give says nothing of the others.
      if (!(error as Error).message.startsWith('NOPERM')) this.bypass(redisFailureKindOf(error));
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
    // A server may have stopped to take writes while nothing was written.
    if (!this.isUp || performance.now() - this.probedAt >= PROBE_HEALTHY_MS) void this.probe();
  }

  /** Looks whether Redis is well. */
  private probe(): Promise<void> {
    this.probing ??= this.probeWrite().finally(() => (this.probing = undefined));
    return this.probing;
  }

  private async probeWrite(): Promise<void> {
    if (this.client.status !== 'ready') return;
    const wasUp = this.isUp;
    this.probedAt = performance.now();
    // While Redis is well, the commands of requests say whether it is fast enough.
    const fault = await this.faultOf(this.client, wasUp ? BACKGROUND_TIMEOUT_MS : this.commandTimeoutMs);
    if (fault !== undefined) {
      this.bypass(fault);
      if (await this.hasSuccessor()) this.client.disconnect(true);
    } else if (!wasUp) {
      this.currentFault = undefined;
      if (this.hasStarted) this.reportRecovered();
    }
  }

  /** Why a server takes no writes; undefined if it does. */
  private async faultOf(client: Redis, timeoutMs: number): Promise<RedisFailureKind | undefined> {
    try {
      await withTimeout(timeoutMs, client.eval(PROBE_SCRIPT, 1, PROBE_KEY));
      return undefined;
    } catch (error) {
      return redisFailureKindOf(error);
    }
  }

  /** Whether a new connection takes writes. Revocations are read from the old one until then. */
  private async hasSuccessor(): Promise<boolean> {
    const successor = this.client.duplicate({ connectionName: 'gateway-probe', retryStrategy: () => null });
    successor.on('error', () => {});
    this.successor = successor;
    try {
      // No longer than until the next probe of the old one.
      await withTimeout(PROBE_MS, successor.connect());
      return (await this.faultOf(successor, this.commandTimeoutMs)) === undefined;
    } catch {
      return false;
    } finally {
      successor.disconnect();
      this.successor = undefined;
    }
  }

  private bypass(fault: RedisFailureKind): void {
    const wasUp = this.isUp;
    this.currentFault = fault;
    if (!wasUp) return;
    this.bypassedSince = performance.now();
    if (this.hasStarted) this.reportDegraded(fault);
  }

  private reportDegraded(reason: RedisFailureKind): void {
    this.logger.warn({ message: 'redis degraded: limits and revocation go on from memory', reason });
  }

  private reportRecovered(): void {
    const awayMs = Math.round(performance.now() - this.bypassedSince);
    this.logger.log({ message: 'redis is back', away_ms: awayMs });
  }
}

/**
 * The answer, if it comes in time: counted from now, since a pipeline that is on its way holds back the next. The last
 * part of the time begins anew where the process itself was busy, and what has come is looked at before it is judged.
 */
function withTimeout<Answer>(timeoutMs: number, answer: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new RedisSlowError('no answer in time'));
    let timer = setTimeout(() => {
      timer = setTimeout(() => setImmediate(giveUp), LAST_PART_MS);
    }, timeoutMs - LAST_PART_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
