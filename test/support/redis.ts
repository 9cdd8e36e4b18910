import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { describeWith } from './requirements.js';
import { freePort } from './free-port.mjs';

const isInstalled = spawnSync('redis-server', ['--version']).error === undefined;

export const describeWithRedis = describeWith(isInstalled);

const ADDRESS = '127.0.0.1';
const REPLICA_ADDRESS = '127.0.0.2';

/** A redis-server on 127.0.0.1 without persistence. */
export class RedisServer implements AsyncDisposable {
  private child!: ChildProcess;
  private readonly clients: Redis[] = [];

  private constructor(
    readonly address: string,
    readonly port: number,
    private readonly args: readonly string[],
  ) {}

  /** @param args arguments beside the common ones */
  static async start(...args: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(ADDRESS, await freePort(), args);
    await server.restart();
    return server;
  }

  /** A replica of this server, on the same port of another address. Resolves when it has all keys. */
  async startReplica(): Promise<RedisServer> {
    const args = ['--replicaof', `${this.address} ${this.port}`, '--repl-diskless-sync-delay', '0'];
    const replica = new RedisServer(REPLICA_ADDRESS, this.port, args);
    await replica.restart();
    const client = await replica.client();
    while (!(await client.info('replication')).includes('master_link_status:up'));
    return replica;
  }

  get url(): string {
    return `redis://${this.address}:${this.port}`;
  }

  /** Starts the server again, empty unless it was saved. @param more arguments of this start only */
  async restart(...more: readonly string[]): Promise<void> {
    const fixed = [
      '--bind',
      this.address,
      '--save',
      '',
      '--appendonly',
      'no',
      // The replica deletes the dump of its master, which would otherwise stay in the working directory.
      '--rdb-del-sync-files',
      'yes',
      '--enable-debug-command',
      'yes',
    ];
    this.child = spawn('redis-server', ['--port', String(this.port), ...fixed, ...this.args, ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // Ends the process when the test run ends.
    const child = this.child;
    process.once('exit', () => child.kill('SIGKILL'));
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout! })) {
      lines.push(line);
      if (line.includes('Ready to accept connections')) {
        child.stdout!.resume();
        return;
      }
    }
    throw new Error(`redis-server did not start: ${lines.join('\n')}`);
  }

  /** A client of the test. @param options of `ioredis` */
  async client(options: object = {}): Promise<Redis> {
    const client = new Redis(this.url, { lazyConnect: true, ...options });
    client.on('error', () => {});
    this.clients.push(client);
    await client.connect();
    return client;
  }

  /** A connection with a `monitor` event for every command. */
  async monitor(): Promise<Redis> {
    const monitor = await (await this.client()).monitor();
    this.clients.push(monitor);
    return monitor;
  }

  /** Waits until the server accepts connections, before it has loaded its data. */
  async reachable(): Promise<void> {
    for (;;) {
      const socket = connect(this.port, this.address);
      const isOpen = await new Promise((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      socket.destroy();
      if (isOpen) return;
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.disconnect();
    await this.kill();
  }
}
