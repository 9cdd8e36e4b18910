import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { JWT_SECRET, type LogLine } from './gateway.js';

/** The built gateway as a process of its own. */
export class GatewayProcess implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  /** Resolves after the exit, when all output was read. @throws Error if the last line is incomplete */
  readonly exited: Promise<number | null>;
  stderr = '';
  private unfinishedLine = '';
  hasExited = false;

  private constructor(private readonly child: ChildProcess) {
    this.exited = this.end();
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (this.unfinishedLine + chunk).split('\n');
      this.unfinishedLine = lines.pop()!;
      for (const line of lines) this.lines.push(JSON.parse(line) as LogLine);
      if (lines.length > 0) child.emit('lines');
    });
  }

  private async end(): Promise<number | null> {
    const [code, signal] = (await once(this.child, 'close')) as [number | null, NodeJS.Signals | null];
    this.hasExited = true;
    // Only SIGKILL may cut off a line.
    if (signal !== 'SIGKILL' && this.unfinishedLine !== '')
      throw new Error(`the last line is incomplete: ${this.unfinishedLine}`);
    return code;
  }

  /**
   * Health checks are off by default, so that a test's service receives only the requests of the test.
   *
   * @param stdout a file or a named pipe for the log lines. Default: the test reads them
   * @param main the program, with its arguments if it has any. Default: that of the product
   */
  static start(
    env: Readonly<Record<string, string>>,
    stdout?: string,
    main: string | readonly string[] = 'dist/apps/gateway/src/main.js',
  ): GatewayProcess {
    const file = stdout === undefined ? undefined : openSync(stdout, 'a');
    const child = spawn(process.execPath, [main].flat(), {
      env: {
        JWT_SECRET,
        PORT: '0',
        REDIS_URL: 'redis://127.0.0.1:9',
        SHUTDOWN_DELAY_MS: '0',
        HEALTH_CHECK_INTERVAL_MS: '0',
        ...env,
      },
      stdio: ['ignore', file ?? 'pipe', 'pipe'],
    });
    if (file !== undefined) closeSync(file);
    return new GatewayProcess(child);
  }

  /** Resolves with the first line, past or future, with this message. @throws Error if the process ends before */
  async logged(message: string): Promise<LogLine> {
    for (;;) {
      const found = this.lines.find((line) => line.message === message);
      if (found) return found;
      if (this.hasExited) throw new Error(`exit ${this.child.exitCode} before "${message}": ${this.stderr}`);
      await this.nextLines();
    }
  }

  /** The port it listens on. */
  async port(): Promise<number> {
    return Number((await this.logged('listening')).port);
  }

  /** The status of its health endpoint. */
  async health(): Promise<number> {
    return (await fetch(`http://127.0.0.1:${await this.port()}/health`)).status;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Resolves when there are more lines, or when the output has ended. */
  async nextLines(): Promise<void> {
    await Promise.race([once(this.child, 'lines'), this.exited]);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
