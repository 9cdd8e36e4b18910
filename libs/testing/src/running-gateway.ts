import { createGateway, listen, type CreateGatewayOptions, type RootModule } from '@app/gateway';
import { LogLines, type LogLine } from './log-lines.js';

export interface RunOptions extends Omit<CreateGatewayOptions, 'logs'> {
  /** Milliseconds of real time that a test waits for a log line. Default: 4000. */
  readonly waitMs?: number | undefined;
}

/** An application that listens, and its log. */
export class RunningGateway implements AsyncDisposable {
  readonly url: string;

  private constructor(
    readonly app: Awaited<ReturnType<typeof createGateway>>,
    readonly port: number,
    private readonly lines: LogLines,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts an application with its production wiring. @throws the error of the boot */
  static async start(root: RootModule, { waitMs, ...options }: RunOptions): Promise<RunningGateway> {
    const lines = new LogLines(waitMs);
    const app = await createGateway(root, { ...options, logs: lines });
    try {
      const { port } = await listen(app);
      return new RunningGateway(app, port, lines);
    } catch (error) {
      await app.close();
      throw error;
    }
  }

  /** All log lines so far. */
  get logs(): readonly LogLine[] {
    return this.lines.all;
  }

  /** Resolves with the first log line, past or future, that has all these fields. @throws TestGatewayError if none comes */
  logged(fields: LogLine): Promise<LogLine> {
    return this.lines.find(fields);
  }

  /** Resolves with the next log line. @throws TestGatewayError if none comes */
  async nextLine(): Promise<void> {
    await this.lines.next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
  }
}
