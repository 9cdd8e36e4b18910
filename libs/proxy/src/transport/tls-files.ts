import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';

/** TLS towards the `https://` instances of one upstream. */
export interface TlsOptions {
  /** File with the certificates, in PEM, that are trusted in place of those that Node trusts. Default: the latter. */
  readonly caFile?: string | undefined;
  /** File with the client's certificate, in PEM, its chain behind it. Default: none. Ignored without `keyFile`. */
  readonly certFile?: string | undefined;
  /** File with the private key of that certificate, in PEM, without a passphrase. */
  readonly keyFile?: string | undefined;
  /** The DNS name that an instance is asked for and must prove. Default: the host of its address. */
  readonly serverName?: string | undefined;
}

const FILES = ['caFile', 'certFile', 'keyFile'] as const;

type TlsFile = (typeof FILES)[number];

/** Why a file cannot be used. */
export interface TlsFault {
  readonly option: TlsFile;
  readonly file: string;
  /** In words that follow the file's name, without any of its content. */
  readonly problem: string;
}

/** The files of one upstream cannot be used, or do not fit together. */
export class TlsFilesError extends Error {
  override readonly name = 'TlsFilesError';

  constructor(readonly faults: readonly TlsFault[]) {
    super(faults.map(({ file, problem }) => `${file} ${problem}`).join('; '));
  }
}

/** What the files held at one moment: the text of each, or why there is none. */
export type TlsContents = ReadonlyMap<TlsFile, string | Error>;

/** Reads the files at once, for the boot. */
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

/** What is wrong with the files at this moment; empty if they can be used. */
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

/** Tells contents apart, without holding a private key. */
export function digestOf(contents: TlsContents): string {
  const hash = createHash('sha256');
  for (const [option, content] of contents) {
    const text = typeof content === 'string' ? content : `error ${codeOf(content)}`;
    hash.update(`${option} ${text.length} ${text}`);
  }
  return hash.digest('base64');
}

/** What connections are made with. @throws TlsFilesError with every fault */
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
    // OpenSSL's own demands, such as the least length of a key.
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

/** Every certificate of a PEM text; what stands between them is no part of it (RFC 7468, section 5.2). */
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
