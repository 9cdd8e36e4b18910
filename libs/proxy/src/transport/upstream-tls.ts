import { isIP } from 'node:net';
import type { ConnectionOptions, SecureContext } from 'node:tls';
import {
  createContext,
  digestOf,
  readTlsFiles,
  readTlsFilesSync,
  type TlsContents,
  type TlsOptions,
} from './tls-files.js';

const NOTHING = { digest: '', polls: 0 };

/**
 * TLS of connections to an upstream's `https://` instances. Each instance must prove the name in its address, or the
 * configured one. The files are polled, so that a certificate can be replaced while the process runs. Open connections keep
 * their former certificates.
 */
export class UpstreamTls {
  private context: SecureContext;
  /** Digest of the files in use. */
  private digest: string;
  /** Digest of unusable files, and the number of polls in a row that have found them. */
  private rejected = NOTHING;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /**
   * @param pollMs milliseconds between two polls of the files
   * @param onChange called without an error when new files are in use; called once with an error if two polls find the same
   * unusable files, and the former files stay in use. Must not throw.
   * @throws TlsFilesError with every fault of the files
   */
  constructor(
    private readonly options: TlsOptions,
    private readonly pollMs: number,
    private readonly onChange: (error?: Error) => void,
  ) {
    const contents = readTlsFilesSync(options);
    this.context = createContext(options, contents);
    this.digest = digestOf(contents);
  }

  /** Begins to poll the files, if there are any. */
  start(): void {
    const { caFile, certFile } = this.options;
    if (caFile === undefined && certFile === undefined) return;
    this.timer = setTimeout(() => void this.poll(), this.pollMs).unref();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** TLS options of one new connection. @param host of the instance, without brackets */
  optionsFor(host: string): Required<Pick<ConnectionOptions, 'secureContext' | 'servername'>> {
    return { secureContext: this.context, servername: this.serverNameOf(host) };
  }

  /** RFC 6066, section 3: a DNS name without its last dot, and never an address. */
  private serverNameOf(host: string): string {
    return this.options.serverName ?? (isIP(host) === 0 ? host.replace(/\.$/, '') : '');
  }

  private async poll(): Promise<void> {
    const contents = await readTlsFiles(this.options);
    if (this.isStopped) return;
    this.apply(contents, digestOf(contents));
    this.start();
  }

  private apply(contents: TlsContents, digest: string): void {
    if (digest === this.digest) {
      this.rejected = NOTHING;
      return;
    }
    const polls = digest === this.rejected.digest ? this.rejected.polls + 1 : 1;
    if (polls > 2) return;
    let error: Error | undefined;
    try {
      this.context = createContext(this.options, contents);
      this.digest = digest;
      this.rejected = NOTHING;
    } catch (thrown) {
      error = thrown as Error;
      this.rejected = { digest, polls };
      // At the first poll, a new certificate may be there before its key.
      if (polls < 2) return;
    }
    this.onChange(error);
  }
}
