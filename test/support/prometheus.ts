import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describeWith } from './requirements.js';
import { freePort } from './free-port.mjs';

/** The names of the programs of Prometheus and Alertmanager, in Debian and in the projects. */
const PROGRAMS = ['prometheus', 'promtool', 'amtool', 'prometheus-redis-exporter'];
const ALERTMANAGER = ['prometheus-alertmanager', 'alertmanager'].find(isThere) ?? 'alertmanager';

function isThere(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined;
}

export const describeWithPrometheus = describeWith([...PROGRAMS, ALERTMANAGER].every(isThere));

/** A rule in Prometheus' API. */
export interface Rule {
  readonly type: 'alerting' | 'recording';
  readonly name: string;
  readonly query: string;
  /** Seconds for which an alert must be active before it fires. */
  readonly duration?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
}

export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  readonly rules: readonly Rule[];
}

/** The output of a program, and whether it exited with 0. */
export interface Verdict {
  readonly isWell: boolean;
  readonly text: string;
}

/** Runs a program to its end. */
export function run(program: string, ...args: readonly string[]): Promise<Verdict> {
  return new Promise((resolve) => {
    execFile(program, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ isWell: error === null, text: stdout + stderr }),
    );
  });
}

/** A temporary folder. */
export class TemporaryFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<TemporaryFolder> {
    return new TemporaryFolder(await mkdtemp(join(tmpdir(), 'gateway-monitoring-')));
  }

  /** Copies a folder into it, and replaces texts in the files. */
  async take(folder: string, edits: readonly (readonly [RegExp | string, string])[]): Promise<string> {
    const copy = join(this.path, folder);
    await cp(folder, copy, { recursive: true });
    for await (const file of glob(`${copy}/**/*.yml`)) {
      const text = await readFile(file, 'utf8');
      await writeFile(
        file,
        edits.reduce((edited, [from, to]) => edited.replaceAll(from, to), text),
      );
    }
    return copy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** A monitoring server as a process, which is ready when it logs so. */
class MonitoringProcess implements AsyncDisposable {
  private constructor(private readonly child: ChildProcess) {}

  static async start(
    [program, ...args]: readonly [string, ...string[]],
    ready: RegExp,
    env: Readonly<Record<string, string>> = {},
  ): Promise<MonitoringProcess> {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // Ends the process when the test run ends.
    process.once('exit', () => child.kill('SIGKILL'));
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      if (!ready.test(line)) continue;
      child.stderr.resume();
      return new MonitoringProcess(child);
    }
    throw new Error(`${program} did not start: ${lines.join('\n')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

/** The addresses of the parts of the stack, as `host:port`. Default: an address without a listener. */
export interface PrometheusOptions {
  readonly gateway?: string;
  readonly alertmanager?: string;
  /** Whether it scrapes and evaluates each second, and alerts fire at once. */
  readonly isHurried?: boolean;
}

const HURRY: readonly (readonly [RegExp, string])[] = [
  [/(scrape_interval|scrape_timeout|evaluation_interval): \d+s/g, '$1: 1s'],
  [/\bfor: \d+m/g, 'for: 1s'],
];

/** A port of 127.0.0.1 without a listener. */
const NOWHERE = '127.0.0.1:9';

/** Prometheus with the configuration of the stack, and other addresses. */
export class PrometheusServer implements AsyncDisposable {
  private constructor(
    readonly url: string,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async start({
    gateway = NOWHERE,
    alertmanager = NOWHERE,
    isHurried = false,
  }: PrometheusOptions = {}): Promise<PrometheusServer> {
    const stack = new AsyncDisposableStack();
    const folder = stack.use(await TemporaryFolder.make());
    const address = `127.0.0.1:${await freePort()}`;
    const config = await folder.take('configs/prometheus', [
      ["'api-gateway:8080', 'api-gateway-2:8080'", `'${gateway}'`],
      ['alertmanager:9093', alertmanager],
      ['redis-exporter:9121', NOWHERE],
      ['127.0.0.1:9090', address],
      ...(isHurried ? HURRY : []),
    ]);
    stack.use(
      await MonitoringProcess.start(
        [
          'prometheus',
          `--config.file=${config}/prometheus.yml`,
          `--storage.tsdb.path=${folder.path}/data`,
          `--web.listen-address=${address}`,
        ],
        /Server is ready/,
      ),
    );
    return new PrometheusServer(`http://${address}`, stack);
  }

  async groups(): Promise<RuleGroup[]> {
    return (await this.ask<{ groups: RuleGroup[] }>('rules')).groups;
  }

  /** Queries until an expression has a series. The timeout of the test is the limit. */
  async holds(expression: string): Promise<void> {
    const path = `query?query=${encodeURIComponent(expression)}`;
    while ((await this.ask<{ result: unknown[] }>(path)).result.length === 0);
  }

  private async ask<Data>(path: string): Promise<Data> {
    const response = await fetch(`${this.url}/api/v1/${path}`);
    return ((await response.json()) as { data: Data }).data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

/** Alertmanager with the configuration of the stack, and the waits of its routes in milliseconds. */
export class AlertmanagerServer implements AsyncDisposable {
  private constructor(
    /** `host:port` */
    readonly address: string,
    private readonly stack: AsyncDisposableStack,
  ) {}

  /** @param webhook the URL that receives alerts. Default: none */
  static async start(webhook = ''): Promise<AlertmanagerServer> {
    const stack = new AsyncDisposableStack();
    const folder = stack.use(await TemporaryFolder.make());
    const config = await folder.take('configs/alertmanager', [
      [/(group_wait|group_interval): \d+[sm]/g, '$1: 100ms'],
    ]);
    await writeFile(join(folder.path, 'webhook'), `${webhook}\n`);
    const address = `127.0.0.1:${await freePort()}`;
    stack.use(
      await MonitoringProcess.start(
        [
          `${config}/start`,
          ALERTMANAGER,
          `--storage.path=${folder.path}/data`,
          `--web.listen-address=${address}`,
          '--cluster.listen-address=',
        ],
        /msg=(Listening|"Listening on")/,
        { ALERT_WEBHOOK_FILE: join(folder.path, 'webhook'), TMPDIR: folder.path },
      ),
    );
    return new AlertmanagerServer(address, stack);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

/** The exporter of Redis' metrics. */
export class RedisExporter implements AsyncDisposable {
  private constructor(
    readonly url: string,
    private readonly process: MonitoringProcess,
  ) {}

  static async start(redisUrl: string, ...args: readonly string[]): Promise<RedisExporter> {
    const address = `127.0.0.1:${await freePort()}`;
    const process = await MonitoringProcess.start(
      ['prometheus-redis-exporter', `--redis.addr=${redisUrl}`, `--web.listen-address=${address}`, ...args],
      /Providing metrics at/,
    );
    const url = `http://${address}`;
    // The exporter logs this before it listens.
    while ((await fetch(`${url}/health`).then((response) => response.text(), String)) !== 'ok');
    return new RedisExporter(url, process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}
