import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';

/** TLS towards the `https://` instances of one upstream. */
export interface TlsOptions {
  /** File with the trusted certificates, in PEM. Default: those that Node trusts. */
  readonly caFile?: string | undefined;
  /** File with the client's certificate, in PEM, its chain behind it. Default: none. Ignored without `keyFile`. */
  readonly certFile?: string | undefined;
  /** File with the private key of that certificate, in PEM, without a passphrase. */
  readonly keyFile?: string | undefined;
  /** The DNS name (SNI) that an instance must prove. Default: the host of its address. */
  readonly serverName?: string | undefined;
}

const FILES = ['caFile', 'certFile', 'keyFile'] as const;

type TlsFile = (typeof FILES)[number];

/** Why a file cannot be used. */
export interface TlsFault {
  readonly option: TlsFile;
  readonly file: string;
  /** The reason, in words that follow the file's name; never content of the file. */
  readonly problem: string;
}

/** The TLS files of one upstream are unusable or incompatible. */
export class TlsFilesError extends Error {
  override readonly name = 'TlsFilesError';

  constructor(readonly faults: readonly TlsFault[]) {
    super(faults.map(({ file, problem }) => `${file} ${problem}`).join('; '));
  }
}

/** The contents of the files at one moment: the text of each, or the error of reading it. */
export type TlsContents = ReadonlyMap<TlsFile, string | Error>;

/** Reads the files synchronously, for the boot. */
export function readTlsFilesSync(options: TlsOptions): TlsContents {
  return new Map(
    namedFiles(options).map(([option, file]): [TlsFile, string | Error] => {
      try {
        return [option, readFileSync(file, 'utf8')];
      } catch (error) {
        return [option, error as Error];
      }
    }),
  );
}

/** The present faults of the files; empty if the files can be used. */
export function faultsOfTlsFiles(options: TlsOptions): readonly TlsFault[] {
  try {
    createContext(options, readTlsFilesSync(options));
    return [];
  } catch (error) {
    if (error instanceof TlsFilesError) return error.faults;
    throw error;
  }
}

/** Reads the files. Never rejects. */
export async function readTlsFiles(options: TlsOptions): Promise<TlsContents> {
  const read = namedFiles(options).map(async ([option, file]): Promise<[TlsFile, string | Error]> => [
    option,
    await readFile(file, 'utf8').catch((error: Error) => error),
  ]);
  return new Map(await Promise.all(read));
}

/** A digest to compare contents by, so that no private key stays in memory. */
export function digestOf(contents: TlsContents): string {
  const hash = createHash('sha256');
  for (const [option, content] of contents) {
    const text = typeof content === 'string' ? content : `error ${codeOf(content)}`;
    hash.update(`${option} ${text.length} ${text}`);
  }
  return hash.digest('base64');
}

/** Creates the context of connections. @throws TlsFilesError with every fault */
export function createContext(options: TlsOptions, contents: TlsContents): SecureContext {
  const faults: TlsFault[] = [];
  const part = <Part>(option: TlsFile, parse: (text: string) => Part): Part | undefined => {
    const content = contents.get(option);
    if (content === undefined) return undefined;
    try {
      if (typeof content === 'string') return parse(content);
      throw new Error(`cannot be read: ${codeOf(content)}`);
    } catch (error) {
      faults.push({ option, file: options[option]!, problem: (error as Error).message });
      return undefined;
    }
  };
  const ca = part('caFile', parseCertificates);
  const cert = part('certFile', parseCertificates);
  const key = part('keyFile', parseKey);
  if (cert && key && !cert[0]!.checkPrivateKey(key)) {
    const problem = `holds the key of another certificate than that in ${options.certFile}`;
    faults.push({ option: 'keyFile', file: options.keyFile!, problem });
  }
  if (faults.length > 0) throw new TlsFilesError(faults);
  try {
    return createSecureContext({
      ...(ca && { ca: ca.map(String) }),
      ...(cert && key && { cert: cert.join(''), key: key.export({ type: 'pkcs8', format: 'pem' }) }),
    });
  } catch (error) {
    // OpenSSL has more rules, such as the shortest length of a key.
    const option = cert ? 'certFile' : 'caFile';
    const problem = `cannot be used: ${codeOf(error as Error)}`;
    throw new TlsFilesError([{ option, file: options[option]!, problem }]);
  }
}

function namedFiles(options: TlsOptions): [TlsFile, string][] {
  return FILES.flatMap((option): [TlsFile, string][] => {
    const file = options[option];
    return file === undefined ? [] : [[option, file]];
  });
}

/** Every certificate of a PEM text. Text between them is ignored (RFC 7468, section 5.2). */
function parseCertificates(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (!blocks) throw new Error('holds no certificate in PEM');
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new Error('holds a certificate that cannot be read');
    }
  });
}

function parseKey(text: string): KeyObject {
  if (/ENCRYPTED/.test(text)) throw new Error('holds a key with a passphrase; it must have none');
  try {
    return createPrivateKey(text);
  } catch {
    throw new Error('holds no private key in PEM');
  }
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
