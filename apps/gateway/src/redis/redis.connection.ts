import type { RevocationRedis } from '@app/auth';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { GATEWAY_CONFIG, type GatewayConfig } from '../config/gateway-config.js';
import { READABLE_FAULTS, redisFaultOf, RedisSlowError, type RedisFault } from './redis-fault.js';

/** How often it is tried whether Redis is well again, in milliseconds. */
const PROBE_MS = 500;

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
class RedisPassedByError extends Error {
  override readonly name = 'RedisPassedByError';
}

/**
 * The one connection to Redis. Whatever is wrong with it, no request waits for it longer than one command may take:
 * after the first that fails Redis is bypassed, until a probe finds that it takes writes again.
 */
@Injectable()
export class RedisConnection implements RevocationRedis, OnModuleInit, OnApplicationShutdown {
  readonly client: Redis;
  private readonly logger = new Logger(RedisConnection.name);
  private readonly commandListeners: CommandListener[] = [];
  private currentFault: RedisFault | undefined = 'unreachable';
  /** `performance.now()` of when it began to be bypassed. */
  private bypassedSince = performance.now();
  private hasStarted = false;
  private probing: Promise<void> | undefined;
  private readonly probes: NodeJS.Timeout;

  private readonly withinMs: number;

  constructor(@Inject(GATEWAY_CONFIG) { redis }: GatewayConfig) {
    this.withinMs = redis.commandTimeoutMs;
    this.client = new Redis(redis.url, {
      ...(redis.password !== undefined && { password: redis.password }),
      lazyConnect: true,
      connectionName: 'gateway',
      connectTimeout: RECONNECT_MOST_MS,
      commandTimeout: BACKGROUND_TIMEOUT_MS,
      // The probe finds out more, and a Redis that loads its data would hold up the boot.
      enableReadyCheck: false,
      enableAutoPipelining: true,
      // What cannot be sent now is of no use later.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      autoResubscribe: false,
      // There is nothing to wait for: what was not answered is given up.
      disconnectTimeout: 50,
      retryStrategy: (times) => Math.min(times * RECONNECT_STEP_MS, RECONNECT_MOST_MS),
    });
    this.client.on('error', (error) => this.passBy(redisFaultOf(error)));
    this.client.on('close', () => this.currentFault ?? this.passBy('unreachable'));
    this.client.on('ready', () => void this.probe());
    this.probes = setInterval(() => void this.probe(), PROBE_MS).unref();
  }

  /** Why Redis is bypassed; undefined while it is not. */
  get fault(): RedisFault | undefined {
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
    if (this.currentFault !== undefined) this.reportPassedBy(this.currentFault);
  }

  /** Runs a command that writes, unless Redis is bypassed. @throws Error where it is, or fails, or is slow */
  async run<Result>(send: (client: Redis) => Promise<Result>): Promise<Result> {
    if (!this.isUp) throw new RedisPassedByError(this.currentFault);
    return this.timed(send, this.withinMs);
  }

  async read<Result>(send: (client: Redis) => Promise<Result>): Promise<Result> {
    if (!this.isReadable) throw new RedisPassedByError(this.currentFault);
    // A request may have to wait for its limit too.
    return this.timed(send, this.withinMs / 2);
  }

  private async timed<Result>(send: (client: Redis) => Promise<Result>, withinMs: number): Promise<Result> {
    const startedAt = performance.now();
    try {
      return await within(withinMs, send(this.client));
    } catch (error) {
      // A command that this user may not give says nothing of the others.
      if (!(error as Error).message.startsWith('NOPERM')) this.passBy(redisFaultOf(error));
      throw error;
    } finally {
      for (const listener of this.commandListeners) listener(performance.now() - startedAt);
    }
  }

  onApplicationShutdown(): void {
    clearInterval(this.probes);
    this.client.removeAllListeners('close').disconnect();
  }

  /** Looks whether Redis is well again. */
  private probe(): Promise<void> {
    this.probing ??= this.tryWrite().finally(() => (this.probing = undefined));
    return this.probing;
  }

  private async tryWrite(): Promise<void> {
    if (this.isUp || this.client.status !== 'ready') return;
    try {
      await within(this.withinMs, this.client.eval(PROBE_SCRIPT, 1, PROBE_KEY));
    } catch (error) {
      this.currentFault = redisFaultOf(error);
      // A connection that stays silent may be dead without knowing it.
      if (this.currentFault === 'slow') this.client.disconnect(true);
      return;
    }
    this.currentFault = undefined;
    if (this.hasStarted) this.reportBack();
  }

  private passBy(fault: RedisFault): void {
    const wasUp = this.isUp;
    this.currentFault = fault;
    if (!wasUp) return;
    this.bypassedSince = performance.now();
    if (this.hasStarted) this.reportPassedBy(fault);
  }

  private reportPassedBy(reason: RedisFault): void {
    this.logger.warn({ message: 'redis degraded: limits and revocation go on from memory', reason });
  }

  private reportBack(): void {
    const awayMs = Math.round(performance.now() - this.bypassedSince);
    this.logger.log({ message: 'redis is back', away_ms: awayMs });
  }
}

/**
 * The answer, if it comes in time: counted from now, since a pipeline that is on its way holds back the next. The last
 * part of the time begins anew where the process itself was busy, and what has come is looked at before it is judged.
 */
function within<Answer>(timeoutMs: number, answer: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new RedisSlowError('no answer in time'));
    let timer = setTimeout(() => {
      timer = setTimeout(() => setImmediate(giveUp), LAST_PART_MS);
    }, timeoutMs - LAST_PART_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
