import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The system as `npm start` and `npm run dev` start it after their build, with a temporary data folder. */
export class StartedSystem implements AsyncDisposable {
  private output = '';
  private readonly exited: Promise<number | null>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly dataDir: string,
  ) {
    this.exited = once(child, 'exit').then(([code]) => code as number | null);
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      this.output += chunk;
      child.emit('printed');
    });
  }

  /** @param root of the repository or of a copy of it @param args of `scripts/start.mjs` */
  static async start(root = process.cwd(), ...args: readonly string[]): Promise<StartedSystem> {
    const dataDir = await mkdtemp(join(tmpdir(), 'gateway-start-'));
    const child = spawn(process.execPath, ['scripts/start.mjs', ...args], {
      cwd: root,
      env: { PATH: process.env['PATH'], PORT: '0', DATA_DIR: dataDir },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return new StartedSystem(child, dataDir);
  }

  /** Resolves with the whole output when it contains the text. @throws Error if the system exits before */
  async printed(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.output)) {
      if (this.child.exitCode !== null) {
        throw new Error(`the system exited with ${this.child.exitCode}: ${this.output}`);
      }
      await Promise.race([once(this.child, 'printed'), this.exited]);
    }
    return this.output;
  }

  /** Sends SIGINT, as Ctrl-C does. @returns the exit code */
  interrupt(): Promise<number | null> {
    this.child.kill('SIGINT');
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) this.child.kill('SIGINT');
    await this.exited;
    // Child processes that are left hold the other end of the pipe.
    this.child.stdout!.destroy();
    await rm(this.dataDir, { recursive: true });
  }
}
