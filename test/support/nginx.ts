import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LogLine } from './gateway.js';
import { describeWith } from './requirements.js';
import { freePort } from './free-port.mjs';

const CONFIGS = 'configs/nginx';
const PROJECT_CONFIGS = 'templates/project/nginx';

const isInstalled = spawnSync('nginx', ['-v']).error === undefined;

export const describeWithNginx = describeWith(isInstalled);

/** The ports that it listens on. */
interface Ports {
  readonly http: number;
  readonly tls: number;
  readonly status: number;
}

/** nginx with the product's configuration, on free ports of 127.0.0.1. */
export class Nginx implements AsyncDisposable {
  /** The lines of the access log. */
  readonly lines: string[] = [];
  /** The error log. */
  errors = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly log: Socket,
    private readonly prefix: string,
    /** Of plain HTTP. */
    readonly port: number,
    readonly tlsPort: number,
    /** Of its own health check and metrics. */
    readonly statusPort: number,
  ) {
    createInterface({ input: log }).on('line', (line) => {
      this.lines.push(line);
      child.emit('logged');
    });
    createInterface({ input: child.stderr! }).on('line', (line) => {
      this.errors += `${line}\n`;
      child.emit('logged');
    });
    child.once('exit', () => child.emit('logged'));
  }

  /**
   * @param gateways their ports
   * @param variables of the template, in place of the test's: no limit, no load balancer in front
   */
  static async start(
    gateways: readonly [number, number],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<Nginx> {
    const prefix = await mkdtemp(join(tmpdir(), 'gateway-nginx-'));
    const [http, tls, status] = [await freePort(), await freePort(), await freePort()];
    const [certificate, key] = [join(prefix, 'tls.crt'), join(prefix, 'tls.key')];
    makeCertificate(certificate, key);
    await writeConfiguration(prefix, {
      NGINX_HTTP_LISTEN: `127.0.0.1:${http}`,
      NGINX_HTTPS_LISTEN: `127.0.0.1:${tls}`,
      NGINX_STATUS_LISTEN: `127.0.0.1:${status}`,
      NGINX_TLS_CERTIFICATE: certificate,
      NGINX_TLS_KEY: key,
      NGINX_HSTS: '',
      NGINX_TRUSTED_PROXY: 'unix:',
      NGINX_REQUESTS_PER_SECOND: '100000',
      NGINX_CONNECTIONS: '10000',
      NGINX_HEADER_TIMEOUT: '15s',
      NGINX_RELOAD_GRACE: '',
      NGINX_RESOLVER: '127.0.0.1',
      GATEWAY_1: `127.0.0.1:${gateways[0]}`,
      GATEWAY_2: `127.0.0.1:${gateways[1]}`,
      GATEWAY_RESOLVE: '',
      ...variables,
    });
    return Nginx.run(prefix, { http, tls, status });
  }

  /** nginx with the configuration of a new project, `templates/project`. It has no TLS. @param gateways their ports */
  static async startOfProject(gateways: readonly [number, number]): Promise<Nginx> {
    const prefix = await mkdtemp(join(tmpdir(), 'gateway-nginx-'));
    const [http, status] = [await freePort(), await freePort()];
    await cp(PROJECT_CONFIGS, prefix, { recursive: true });
    const main = await readFile(`${PROJECT_CONFIGS}/nginx.conf`, 'utf8');
    await writeFile(
      join(prefix, 'nginx.conf'),
      main
        .replaceAll('/tmp/', `${prefix}/`)
        // Not every nginx can look names up again.
        .replaceAll(
          /gateway-(\d):8080 resolve/g,
          (_, number: string) => `127.0.0.1:${gateways[Number(number) - 1]}`,
        )
        .replace('127.0.0.1:8081', `127.0.0.1:${status}`)
        .replace('listen 80;', `listen 127.0.0.1:${http};`),
    );
    return Nginx.run(prefix, { http, tls: 0, status });
  }

  private static async run(prefix: string, { http, tls, status }: Ports): Promise<Nginx> {
    // nginx opens its standard output by name, which fails for a socket, and Node's pipes are sockets.
    const pipe = join(prefix, 'stdout');
    spawnSync('mkfifo', [pipe]);
    const log = new Socket({ fd: openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK), readable: true });
    const stdout = openSync(pipe, 'w');
    const args = ['-p', prefix, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off;'];
    const child = spawn('nginx', args, { stdio: ['ignore', stdout, 'pipe'] });
    closeSync(stdout);
    // Ends the process when the test run ends.
    process.once('exit', () => child.kill('SIGKILL'));
    const nginx = new Nginx(child, log, prefix, http, tls, status);
    await nginx.untilSaid(/start worker process \d/);
    return nginx;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves with the first line of the access log, past or future, that satisfies the condition. */
  async logged(isIt: (line: LogLine) => boolean): Promise<LogLine> {
    for (let at = 0; ; at++) {
      while (at >= this.lines.length) await this.nextLine();
      const line = JSON.parse(this.lines[at]!) as LogLine;
      if (isIt(line)) return line;
    }
  }

  /** Reloads the configuration. Resolves when no earlier worker accepts connections any more. */
  async reload(): Promise<void> {
    const times = (said: RegExp): number => this.errors.match(said)?.length ?? 0;
    const started = times(/start worker process \d/g);
    this.child.kill('SIGHUP');
    while (times(/gracefully shutting down/g) < started) await this.nextLine();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await exited;
    }
    this.log.destroy();
    await rm(this.prefix, { recursive: true });
  }

  private async untilSaid(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.errors)) await this.nextLine();
  }

  private async nextLine(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) {
      throw new Error(`nginx has ended: ${this.errors}`);
    }
    await once(this.child, 'logged');
  }
}

/** Fills in the template like the official image: variables that are not set stay as they are. */
async function writeConfiguration(
  prefix: string,
  variables: Readonly<Record<string, string>>,
): Promise<void> {
  await cp(`${CONFIGS}/includes`, join(prefix, 'includes'), { recursive: true });
  await mkdir(join(prefix, 'conf.d'));
  const main = await readFile(`${CONFIGS}/nginx.conf`, 'utf8');
  // Each nginx of a test has its own folder in place of /tmp in a container.
  await writeFile(join(prefix, 'nginx.conf'), main.replaceAll('/tmp/', `${prefix}/`));
  for (const name of await readdir(`${CONFIGS}/templates`)) {
    const template = await readFile(join(CONFIGS, 'templates', name), 'utf8');
    const filled = template.replaceAll(
      /\$\{(\w+)\}/g,
      (whole, variable: string) => variables[variable] ?? whole,
    );
    await writeFile(join(prefix, 'conf.d', name.replace(/\.template$/, '')), filled);
  }
}

function makeCertificate(certificate: string, key: string): void {
  const form = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const args = ['req', '-x509', ...form, ...name, '-keyout', key, '-out', certificate];
  const { status, stderr } = spawnSync('openssl', args);
  if (status !== 0) throw new Error(`openssl: ${stderr.toString()}`);
}
