import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.mjs';
import { bearer, type LogLine } from '../support/gateway.js';
import { LogPipe } from '../support/log-pipe.js';
import { metricsOf } from '../support/metrics.js';
import { GatewayProcess } from '../support/process.js';
import { describeWithBuild } from '../support/requirements.js';
import { startService } from '../support/service.js';

/** Lines of 1 KB: past what the kernel has for a pipe (64 KiB), and past what the gateway keeps too (1 MiB). */
const PAST_THE_PIPE = 200;
const PAST_ALL = 1_500;

const isWarning = (line: string): boolean => line.includes('"message":"log lines dropped"');

/** A gateway whose log lines go to a file, with a client that keeps one connection to it. */
class LoggingGateway implements AsyncDisposable {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly url: string;

  private constructor(
    readonly process: GatewayProcess,
    private readonly port: number,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(log: string, env: Readonly<Record<string, string>> = {}): Promise<LoggingGateway> {
    const port = await freePort();
    const settings = { PORT: String(port), RATELIMIT: 'off', ...env };
    const gateway = new LoggingGateway(GatewayProcess.start(settings, log), port);
    while ((await gateway.ask('/health').catch(() => 0)) !== 200);
    return gateway;
  }

  /** The status for a path; what is asked has long lines. */
  async ask(path: string): Promise<number> {
    const headers = { 'User-Agent': 'u'.repeat(256) };
    const outgoing = request({ host: '127.0.0.1', port: this.port, path, headers, agent: this.agent }).end();
    const [response] = await once(outgoing, 'response');
    await once(response.resume(), 'end');
    return response.statusCode as number;
  }

  /** Asks for so many paths that nobody has, each with its number. */
  async askMany(count: number): Promise<void> {
    for (let n = 0; n < count; n++) expect(await this.ask(`/nowhere/${n}/${'x'.repeat(490)}`)).toBe(404);
  }

  async dropped(): Promise<number> {
    return Number(/^gateway_log_lines_dropped_total\{.*\} (\d+)$/m.exec(await metricsOf(this))![1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.destroy();
    await this.process[Symbol.asyncDispose]();
  }
}

/** The numbers of `askMany` in whole lines, in order. */
function numbersIn(lines: readonly string[]): number[] {
  return lines
    .map((line) => JSON.parse(line) as LogLine)
    .flatMap(({ path }) => /^\/nowhere\/(\d+)\//.exec(String(path))?.[1] ?? [])
    .map(Number);
}

const firstNumbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describeWithBuild('a log that nobody reads', () => {
  it('costs no request its response; what is kept comes whole and in order, then how much was dropped', async () => {
    await using pipe = LogPipe.make();
    await using gateway = await LoggingGateway.start(pipe.path);

    await gateway.askMany(PAST_ALL);
    const dropped = await gateway.dropped();
    const warning = JSON.parse(await pipe.readUntil(isWarning)) as LogLine;

    expect(dropped).toBeGreaterThan(0);
    expect(numbersIn(pipe.lines)).toEqual(firstNumbers(PAST_ALL - dropped));
    // With the line of the request that read the metric.
    expect(warning).toMatchObject({ level: 'warn', service: 'api-gateway', dropped: dropped + 1 });
  });

  it('takes lines again once somebody reads it', async () => {
    await using pipe = LogPipe.make();
    await using gateway = await LoggingGateway.start(pipe.path);
    await gateway.askMany(PAST_ALL);
    await pipe.readUntil(isWarning);
    const dropped = await gateway.dropped();

    await gateway.ask('/again');
    await pipe.readUntil((line) => line.includes('"/again"'));

    expect(await gateway.dropped()).toBe(dropped);
    expect(pipe.lines.filter(isWarning)).toHaveLength(1);
  });

  it('loses nothing within 1 MiB', async () => {
    await using pipe = LogPipe.make();
    await using gateway = await LoggingGateway.start(pipe.path);

    await gateway.askMany(PAST_THE_PIPE);
    await gateway.ask('/last');
    await pipe.readUntil((line) => line.includes('"/last"'));

    expect(numbersIn(pipe.lines)).toEqual(firstNumbers(PAST_THE_PIPE));
    expect(await gateway.dropped()).toBe(0);
  });

  it('does not keep the process from its drain: it ends at the deadline, with 0', async () => {
    const asked = Promise.withResolvers<void>();
    await using service = await startService(() => asked.resolve());
    await using pipe = LogPipe.make();
    await using gateway = await LoggingGateway.start(pipe.path, {
      AUTH_SERVICE_URL: service.url,
      DRAIN_TIMEOUT_MS: '1500',
    });
    await gateway.askMany(PAST_THE_PIPE);
    const unanswered = fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });
    await asked.promise;

    gateway.process.signal('SIGTERM');

    await expect(unanswered).rejects.toThrow('fetch failed');
    expect(await gateway.process.exited).toBe(0);
  });

  it('leaves in the end what a late reader takes, the line about dropped ones last', async () => {
    await using pipe = LogPipe.make();
    await using gateway = await LoggingGateway.start(pipe.path, { DRAIN_TIMEOUT_MS: '0' });
    await gateway.askMany(PAST_ALL);

    gateway.process.signal('SIGTERM');
    const warning = await pipe.readUntil(isWarning);

    expect(await gateway.process.exited).toBe(0);
    const { dropped } = JSON.parse(warning) as { dropped: number };
    const numbers = numbersIn(pipe.lines);
    expect(numbers).toEqual(firstNumbers(numbers.length));
    expect(numbers.length + dropped).toBeGreaterThanOrEqual(PAST_ALL);
  });
});

describeWithBuild('a log whose reader is gone', () => {
  it('costs no request its response, and the process ends with 0', async () => {
    await using pipe = LogPipe.make();
    await using gateway = await LoggingGateway.start(pipe.path, { DRAIN_TIMEOUT_MS: '0' });
    await pipe.close();

    await gateway.askMany(PAST_ALL);
    expect(await gateway.dropped()).toBeGreaterThan(0);
    gateway.process.signal('SIGTERM');

    expect(await gateway.process.exited).toBe(0);
  });
});

describeWithBuild('a log on a full disk', () => {
  it('costs no request its response, and the process ends with 0', async () => {
    await using gateway = await LoggingGateway.start('/dev/full', { DRAIN_TIMEOUT_MS: '0' });

    await gateway.askMany(PAST_ALL);
    expect(await gateway.dropped()).toBeGreaterThan(0);
    gateway.process.signal('SIGTERM');

    expect(await gateway.process.exited).toBe(0);
  });

  const mounting = process.getuid?.() === 0 || process.env['CI'] ? it : it.skip;
  mounting('goes on with whole lines once there is room', async () => {
    using disk = new SmallDisk(64);
    const log = join(disk.path, 'log');
    await using gateway = await LoggingGateway.start(log);
    await gateway.askMany(PAST_THE_PIPE);

    execFileSync('mount', ['-o', 'remount,size=4096k', disk.path]);
    await gateway.ask('/last');
    const read = (): string[] => readFileSync(log, 'utf8').split('\n').slice(0, -1);
    while (!read().some((line) => line.includes('"/last"'))) await gateway.ask('/health');

    expect(numbersIn(read())).toEqual(firstNumbers(PAST_THE_PIPE));
    expect(await gateway.dropped()).toBe(0);
  });
});

/** A file system in memory, of so many KiB. */
class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'gateway-disk-'));

  constructor(kib: number) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'gateway-test', this.path]);
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', this.path]);
    rmSync(this.path, { recursive: true });
  }
}
