import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './service.js';

const CONFIGS = 'configs/nginx';
const LOG = 'access.log';

const isInstalled = spawnSync('nginx', ['-v']).error === undefined;

/** A laptop may lack nginx; what decides whether a change lands may not. */
export const describeWithNginx = isInstalled || process.env['CI'] ? describe : describe.skip;

/** Real nginx with the product's own configuration, in front of gateways on 127.0.0.1. */
export class Nginx implements AsyncDisposable {
  stderr = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly prefix: string,
    /** Of plain HTTP. */
    readonly port: number,
    /** Of TLS. */
    readonly tlsPort: number,
    readonly statusPort: number,
  ) {
    child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  /** @param variables of the templates that are not to have the test's own value */
  static async start(
    gateways: readonly [number, number],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<Nginx> {
    const prefix = await mkdtemp(join(tmpdir(), 'gateway-nginx-'));
    const [http, tls, status] = [await freePort(), await freePort(), await freePort()];
    const secrets = join(prefix, 'secrets');
    const made = spawnSync('scripts/make-secrets', { env: { ...process.env, SECRETS_DIR: secrets } });
    if (made.status !== 0) throw new Error(`make-secrets: ${made.stderr.toString()}`);
    await writeConfiguration(prefix, {
      NGINX_HTTP_LISTEN: `127.0.0.1:${http}`,
      NGINX_HTTPS_LISTEN: `127.0.0.1:${tls}`,
      NGINX_STATUS_LISTEN: `127.0.0.1:${status}`,
      NGINX_TLS_CERTIFICATE: join(secrets, 'tls.crt'),
      NGINX_TLS_KEY: join(secrets, 'tls.key'),
      NGINX_HSTS: '',
      NGINX_TRUSTED_PROXY: 'unix:',
      NGINX_REQUESTS_PER_SECOND: '10000',
      NGINX_CONNECTIONS: '10000',
      NGINX_RESOLVER: '127.0.0.1',
      GATEWAY_1: `127.0.0.1:${gateways[0]}`,
      GATEWAY_2: `127.0.0.1:${gateways[1]}`,
      GATEWAY_RESOLVE: '',
      NGINX_KEEPALIVE_MIN: '',
      ...variables,
    });
    const args = ['-p', prefix, '-c', 'nginx.conf', '-g', 'daemon off;'];
    const child = spawn('nginx', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    process.once('exit', () => child.kill('SIGKILL'));
    const nginx = new Nginx(child, prefix, http, tls, status);
    await nginx.untilHealthy();
    return nginx;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The access log so far, a line each, as nginx wrote it. */
  get lines(): string[] {
    return readFileSync(join(this.prefix, LOG), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  }

  /** The first line, past or future, of which this holds. */
  async logged(isIt: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.lines.map((line) => JSON.parse(line) as Record<string, unknown>).find(isIt);
      if (found) return found;
      await new Promise(setImmediate);
    }
  }

  /** Reads its configuration anew; resolves once another worker answers. */
  async reload(): Promise<void> {
    const workers = await this.workers();
    this.child.kill('SIGHUP');
    while ((await this.workers()).every((pid) => workers.includes(pid)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await exited;
    }
    await rm(this.prefix, { recursive: true });
  }

  private async workers(): Promise<string[]> {
    const { pid } = this.child;
    return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ');
  }

  private async untilHealthy(): Promise<void> {
    for (;;) {
      if (this.child.exitCode !== null) throw new Error(`nginx did not start: ${this.stderr}`);
      const isUp = await fetch(`http://127.0.0.1:${this.statusPort}/health`).then(
        ({ status }) => status === 200,
        () => false,
      );
      if (isUp) return;
    }
  }
}

/** Fills the templates as the official image does: what is not defined stays as it is. */
async function writeConfiguration(
  prefix: string,
  variables: Readonly<Record<string, string>>,
): Promise<void> {
  await mkdir(join(prefix, 'conf.d'));
  await cp(`${CONFIGS}/includes`, join(prefix, 'includes'), { recursive: true });
  const main = await readFile(`${CONFIGS}/nginx.conf`, 'utf8');
  // nginx's own files, which are below /tmp in its container.
  await writeFile(join(prefix, 'nginx.conf'), main.replaceAll('/tmp/', `${prefix}/`));
  for (const name of await readdir(`${CONFIGS}/templates`)) {
    const template = await readFile(`${CONFIGS}/templates/${name}`, 'utf8');
    const filled = template
      .replaceAll('/dev/stdout', join(prefix, LOG))
      .replaceAll(/\$\{(\w+)\}/g, (whole, variable: string) => variables[variable] ?? whole);
    await writeFile(join(prefix, 'conf.d', name.replace('.template', '')), filled);
  }
}
