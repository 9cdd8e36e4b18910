import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import { RedisServer } from './redis.js';

const run = promisify(execFile);

/** The files that `docker-compose.yml` reads as secrets, made by `scripts/make-secrets` in a temporary folder. */
export class MadeSecrets implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async make(): Promise<MadeSecrets> {
    const secrets = new MadeSecrets(await mkdtemp(join(tmpdir(), 'gateway-secrets-')));
    await secrets.makeAgain();
    return secrets;
  }

  /** @returns the output lines of the script */
  async makeAgain(): Promise<string[]> {
    const { stdout } = await run('scripts/make-secrets', {
      env: { ...process.env, SECRETS_DIR: this.folder },
    });
    return stdout.split('\n').filter((line) => line.startsWith('made '));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): Promise<string> {
    return readFile(this.path(name), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

/** A redis-server with the configuration and the users of `docker-compose.yml`, on other paths and another port. */
export class StackRedis implements AsyncDisposable {
  private constructor(
    readonly secrets: MadeSecrets,
    readonly server: RedisServer,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async start(): Promise<StackRedis> {
    await using stack = new AsyncDisposableStack();
    const secrets = stack.use(await MadeSecrets.make());
    const data = await mkdtemp(join(tmpdir(), 'gateway-redis-'));
    stack.defer(() => rm(data, { recursive: true }));
    const config = join(data, 'redis.conf');
    const committed = await readFile('configs/redis/redis.conf', 'utf8');
    const own = [
      ['aclfile /run/secrets/redis_users', `aclfile ${secrets.path('redis_users')}`],
      ['dir /data', `dir ${data}`],
    ] as const;
    await writeFile(
      config,
      own.reduce((text, [from, to]) => replaceOnce(text, from, to), committed),
    );
    const server = stack.use(await RedisServer.start('--include', config));
    return new StackRedis(secrets, server, stack.move());
  }

  /** The URL in a secret, with this server's address. */
  async url(secret: string): Promise<string> {
    return replaceOnce(await this.secrets.read(secret), '@redis:6379', `@127.0.0.1:${this.server.port}`);
  }

  /** A client with the rights of one of the users. */
  async clientOf(user: string): Promise<Redis> {
    const password = await this.secrets.read(`redis_${user}_password`);
    return this.server.client({
      username: user,
      password,
      disableClientInfo: true,
      enableReadyCheck: false,
      disconnectTimeout: 50,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

/** @throws Error unless the text occurs exactly once */
export function replaceOnce(text: string, from: string, to: string): string {
  const count = text.split(from).length - 1;
  if (count !== 1) throw new Error(`${count} times: ${from}`);
  return text.replace(from, () => to);
}
