import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { Certificates, type Certificate } from '../../../../test/support/certificates.js';
import {
  createContext,
  digestOf,
  faultsOfTlsFiles,
  readTlsFiles,
  readTlsFilesSync,
  TlsFilesError,
  type TlsOptions,
} from './tls-files.js';

let certificates: Certificates;
let authority: Certificate;
let client: Certificate;
let encryptedKey: string;

/** A new file of the test. */
async function fileOf(name: string, text: string): Promise<string> {
  const file = join(certificates.folder, name);
  await writeFile(file, text);
  return file;
}

beforeAll(async () => {
  certificates = await Certificates.create();
  authority = await certificates.authority();
  [client, encryptedKey] = await Promise.all([
    certificates.issue(authority),
    certificates.encryptedKey('secret'),
  ]);
});
afterAll(() => certificates[Symbol.asyncDispose]());

const problemsOf = (options: TlsOptions): string[] =>
  faultsOfTlsFiles(options).map(({ option, problem }) => `${option} ${problem}`);

describe('TLS files', () => {
  it('make a context: some authorities, text between them, a certificate with its key', async () => {
    const caFile = await fileOf('some.crt', `a comment\n${authority.cert}another\n${client.cert}`);
    const options = { caFile, certFile: client.certFile, keyFile: client.keyFile };

    expect(faultsOfTlsFiles(options)).toEqual([]);
    expect(createContext(options, readTlsFilesSync(options)).context).toBeDefined();
  });

  it('need not be there', () => {
    expect(faultsOfTlsFiles({})).toEqual([]);
  });

  it('that cannot be used have one fault each, all at once', async () => {
    const options = {
      caFile: join(certificates.folder, 'none.crt'),
      certFile: await fileOf('empty.crt', ''),
      keyFile: await fileOf('wrong.key', client.cert),
    };

    expect(problemsOf(options)).toEqual([
      'caFile cannot be read: ENOENT',
      'certFile holds no certificate in PEM',
      'keyFile holds no private key in PEM',
    ]);
    expect(() => createContext(options, readTlsFilesSync(options))).toThrow(TlsFilesError);
  });

  it('with a broken certificate, a passphrase or the key of another certificate are refused', async () => {
    const broken = await fileOf('broken.crt', client.cert.replace(/\n[^-]/, '\n!'));
    const { certFile } = client;

    expect(problemsOf({ caFile: broken })).toEqual(['caFile holds a certificate that cannot be read']);
    expect(problemsOf({ certFile, keyFile: encryptedKey })).toEqual([
      'keyFile holds a key with a passphrase; it must have none',
    ]);
    expect(problemsOf({ certFile, keyFile: authority.keyFile })).toEqual([
      `keyFile holds the key of another certificate than that in ${certFile}`,
    ]);
  });

  it('are never quoted in a fault', async () => {
    const keyFile = await fileOf('secret.key', client.key.replace('PRIVATE', 'SECRET'));
    const secret = client.key.split('\n')[1]!;

    const [fault] = faultsOfTlsFiles({ certFile: client.certFile, keyFile });

    expect(JSON.stringify([fault, new TlsFilesError([fault!]).message])).not.toContain(secret);
    expect(fault!.file).toBe(keyFile);
  });
});

describe('the digest of TLS files', () => {
  it('is the same for the same contents, read now or later, and another for others', async () => {
    const options = { caFile: authority.certFile, certFile: client.certFile, keyFile: client.keyFile };
    const digest = digestOf(readTlsFilesSync(options));

    expect(digestOf(await readTlsFiles(options))).toBe(digest);
    for (const other of [
      { ...options, caFile: client.certFile },
      { ...options, caFile: await fileOf('same-length.crt', authority.cert.toLowerCase()) },
      { ...options, keyFile: undefined },
      { ...options, keyFile: join(certificates.folder, 'none.key') },
    ]) {
      expect(digestOf(await readTlsFiles(other))).not.toBe(digest);
    }
  });
});
