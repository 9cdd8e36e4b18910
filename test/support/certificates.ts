import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A certificate with its key, as files and as text. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

export interface Issued {
  /** Names and addresses in the form of `subjectAltName`. Default: `DNS:localhost`. */
  readonly names?: string;
  /** Days until it expires; negative if it has expired. Default: 2. */
  readonly days?: number;
}

/** A folder of certificates of one test, made by openssl. */
export class Certificates implements AsyncDisposable {
  private count = 0;

  private constructor(readonly folder: string) {}

  static async create(): Promise<Certificates> {
    return new Certificates(await mkdtemp(join(tmpdir(), 'gateway-tls-')));
  }

  /** A self-signed certificate of an authority. */
  async authority(names = 'DNS:localhost'): Promise<Certificate> {
    const { certFile, keyFile } = this.next();
    const name = ['-subj', '/CN=A test', '-addext', `subjectAltName=${names}`];
    await openssl('req', '-x509', ...NEW_KEY, '-days', '2', ...name, '-keyout', keyFile, '-out', certFile);
    return readPair(certFile, keyFile);
  }

  async issue(by: Certificate, { names = 'DNS:localhost', days = 2 }: Issued = {}): Promise<Certificate> {
    const { certFile, keyFile } = this.next();
    const request = `${certFile}.csr`;
    const name = ['-subj', '/CN=A test', '-addext', `subjectAltName=${names}`];
    await openssl('req', '-new', ...NEW_KEY, ...name, '-keyout', keyFile, '-out', request);
    const signer = ['-CA', by.certFile, '-CAkey', by.keyFile, '-CAcreateserial', '-copy_extensions', 'copy'];
    await openssl('x509', '-req', '-in', request, ...signer, '-days', String(days), '-out', certFile);
    return readPair(certFile, keyFile);
  }

  /** A file with a private key that is encrypted by a passphrase. */
  async encryptedKey(passphrase: string): Promise<string> {
    const { keyFile } = this.next();
    const form = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-aes256'];
    await openssl('genpkey', ...form, '-pass', `pass:${passphrase}`, '-out', keyFile);
    return keyFile;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  private next(): Pick<Certificate, 'certFile' | 'keyFile'> {
    const base = join(this.folder, String(++this.count));
    return { certFile: `${base}.crt`, keyFile: `${base}.key` };
  }
}

async function openssl(...args: readonly string[]): Promise<void> {
  await run('openssl', args);
}

async function readPair(certFile: string, keyFile: string): Promise<Certificate> {
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  return { certFile, keyFile, cert, key };
}
