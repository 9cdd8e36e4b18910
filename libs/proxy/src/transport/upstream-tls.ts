import { isIP } from 'node:net';
import type { ConnectionOptions, SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
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
 * How connections to an upstream's `https://` instances are secured: each instance must prove its own name, or the one
 * that is configured, whatever name a client has for the gateway. The files are read again and again, so that a
 * certificate can be replaced while the process runs; connections that are open keep what they were made with.
 */
export class UpstreamTls {
  private context: SecureContext;
  /** Of the files in use. */
  private digest: string;
  /** Of files that cannot be used, and the polls in a row that have found them. */
  private rejected = NOTHING;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /**
   * @param pollMs milliseconds between two polls of the files
   * @param onChange called without an error once new files are in use, and with one, once, when the same files
   * cannot be used at two polls: then the former stay in use. Must not throw.
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

  /** For one new connection. @param host of the instance, without brackets */
  optionsFor(host: string): Required<Pick<ConnectionOptions, 'secureContext' | 'servername'>> {
    return { secureContext: this.context, servername: this.serverNameOf(host) };
  }

  /** A connector as undici makes them, with the files in use at the moment of each connection. */
  connectorFor(host: string, options: buildConnector.BuildOptions): buildConnector.connector {
    let { context } = this;
    const build = (): buildConnector.connector =>
      buildConnector({ ...options, allowH2: false, ...this.optionsFor(host) });
    let connect = build();
    return (target, done) => {
      if (context !== this.context) {
        ({ context } = this);
        // A new connector has no TLS sessions: those of the former one were made with other files.
        connect = build();
      }
      // Ignores the request's servername: Instance sets that only to keep undici from using Host.
      connect({ ...target, servername: undefined as never }, done);
    };
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
      // At the first poll a certificate may be there whose key is about to follow.
      if (polls < 2) return;
    }
    this.onChange(error);
  }
}
