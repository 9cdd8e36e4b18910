import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { Certificates, type Certificate } from './certificates.js';
import { freePort } from './free-port.mjs';
import { describeWith } from './requirements.js';
import { startService } from './service.js';

const isInstalled = spawnSync('docker-registry', ['--version']).error === undefined;

export const describeWithRegistry = describeWith(isInstalled);

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const ISSUER = 'a test';

const digestOf = (bytes: string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Debian's docker-registry on 127.0.0.1, empty. */
export class ImageRegistry implements AsyncDisposable {
  private constructor(
    /** `host:port`, the first part of image names. */
    readonly host: string,
    private readonly token: (() => string) | undefined,
    private readonly stack: AsyncDisposableStack,
  ) {}

  /** @param asksForTokens whether it demands a token of its token server, as Docker Hub does */
  static async start({ asksForTokens = false } = {}): Promise<ImageRegistry> {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'gateway-registry-'));
    stack.defer(() => rm(folder, { recursive: true }));
    const host = `127.0.0.1:${await freePort()}`;
    const tokens = asksForTokens ? stack.use(await TokenServer.start(host)) : undefined;
    const config = join(folder, 'config.yml');
    const settings = {
      version: '0.1',
      storage: { filesystem: { rootdirectory: join(folder, 'images') } },
      http: { addr: host },
      ...(tokens && { auth: { token: tokens.settings } }),
    };
    await writeFile(config, stringify(settings));
    const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    stack.defer(() => kill(child));
    // Ends the process when the test run ends.
    process.once('exit', () => child.kill('SIGKILL'));
    await isListening(child);
    return new ImageRegistry(host, tokens && (() => tokens.sign(['pull', 'push'])), stack.move());
  }

  /** Pushes an empty image in an index, like an image for several architectures. @returns the digest of the index */
  async push(name: string, tag: string, label = ''): Promise<string> {
    const config = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: { name, label } },
    });
    const { headers } = await this.send('POST', `${name}/blobs/uploads/`);
    const upload = new URL(headers.get('Location')!, `http://${this.host}`);
    upload.searchParams.set('digest', digestOf(config));
    await this.send('PUT', upload, 'application/octet-stream', config);
    const described = { mediaType: CONFIG, digest: digestOf(config), size: config.length };
    const image = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: described, layers: [] });
    await this.send('PUT', `${name}/manifests/${digestOf(image)}`, MANIFEST, image);
    const manifests = [{ mediaType: MANIFEST, digest: digestOf(image), size: image.length }];
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests });
    await this.send('PUT', `${name}/manifests/${tag}`, INDEX, index);
    return digestOf(index);
  }

  private async send(method: string, to: string | URL, type = '', body?: string): Promise<Response> {
    const url = new URL(to, `http://${this.host}/v2/`);
    const response = await fetch(url, {
      method,
      headers: {
        ...(type !== '' && { 'Content-Type': type }),
        ...(this.token && { Authorization: `Bearer ${this.token()}` }),
      },
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${url.pathname}: ${response.status} ${text}`);
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

async function isListening(child: ChildProcess): Promise<void> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stderr! })) {
    lines.push(line);
    if (!line.includes('listening on')) continue;
    child.stderr!.resume();
    return;
  }
  throw new Error(`docker-registry did not start: ${lines.join('\n')}`);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Gives every client a token to pull, by the registry's documentation of tokens. */
class TokenServer implements AsyncDisposable {
  private constructor(
    private readonly url: string,
    private readonly audience: string,
    private readonly certificate: Certificate,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async start(audience: string): Promise<TokenServer> {
    await using stack = new AsyncDisposableStack();
    const certificate = await stack.use(await Certificates.create()).authority();
    const server = stack.use(
      await startService((request, response) => {
        const { searchParams } = new URL(request.url!, 'http://any');
        const isAsked = searchParams.get('service') === audience;
        const isForPulling = /^repository:[^:]+:pull$/.test(searchParams.get('scope') ?? '');
        response.statusCode = isAsked && isForPulling ? 200 : 400;
        response.end(JSON.stringify({ token: tokens.sign(['pull']) }));
      }),
    );
    const url = `${server.url}/token`;
    const tokens = new TokenServer(url, audience, certificate, stack.move());
    return tokens;
  }

  /** Of the registry. */
  get settings(): object {
    const { certFile } = this.certificate;
    return { realm: this.url, service: this.audience, issuer: ISSUER, rootcertbundle: certFile };
  }

  /** A token for `team/image` only, so that the use of another name fails. */
  sign(actions: readonly string[]): string {
    const der = this.certificate.cert.replaceAll(/-----[^-]+-----|\s/g, '');
    const now = Math.floor(Date.now() / 1000);
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: ISSUER, sub: '', aud: this.audience, exp: now + 60, nbf: now - 60, iat: now };
    const access = [{ type: 'repository', name: 'team/image', actions }];
    const text = `${encode({ typ: 'JWT', alg: 'ES256', x5c: [der] })}.${encode({ ...claims, jti: randomUUID(), access })}`;
    const key = { key: createPrivateKey(this.certificate.key), dsaEncoding: 'ieee-p1363' } as const;
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}
