import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { JWT_SECRET, type LogLine } from './gateway.js';

/** The built gateway as a process of its own, as an operator runs it. */
export class GatewayProcess implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  readonly exited: Promise<number | null>;
  stderr = '';

  private constructor(private readonly child: ChildProcess) {
    this.exited = once(child, 'exit').then(([code]) => code as number | null);
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(JSON.parse(line) as LogLine);
      child.emit('line');
    });
  }

  /**
   * Its services are not checked, unless the variables say so: a test's service then hears what the test sends alone.
   *
   * @param stdout a file that takes the log lines instead of the test
   */
  static start(env: Readonly<Record<string, string>>, stdout?: string): GatewayProcess {
    const child = spawn(process.execPath, ['dist/apps/gateway/src/main.js'], {
      env: {
        JWT_SECRET,
        PORT: '0',
        REDIS_URL: 'redis://127.0.0.1:9',
        DRAIN_NOTICE_MS: '0',
        HEALTH_CHECK_INTERVAL_MS: '0',
        ...env,
      },
      stdio: ['ignore', stdout === undefined ? 'pipe' : openSync(stdout, 'w'), 'pipe'],
    });
    return new GatewayProcess(child);
  }

  /** The first line, past or future, with this message. @throws Error where the process ends before */
  async logged(message: string): Promise<LogLine> {
    for (;;) {
      const found = this.lines.find((line) => line.message === message);
      if (found) return found;
      if (this.child.exitCode !== null)
        throw new Error(`exit ${this.child.exitCode} before "${message}": ${this.stderr}`);
      await this.nextLine();
    }
  }

  /** The port it listens on. */
  async port(): Promise<number> {
    return Number((await this.logged('listening')).port);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Resolves once another line is there, or none can come any more. */
  async nextLine(): Promise<void> {
    await Promise.race([once(this.child, 'line'), this.exited]);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.exited;
  }
}
