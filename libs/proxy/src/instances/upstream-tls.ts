import { isIP } from 'node:net';
import type { ConnectionOptions, SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import {
  createContext,
  digestOf,
  readTlsFiles,
  readTlsFilesSync,
  type TlsContents,
  type TlsFilesError,
  type TlsOptions,
} from './tls-files.js';

/**
 * How connections to an upstream's `https://` instances are secured: each instance must prove its own name, or the one
 * that is configured, whatever name a client has for the gateway. The files are looked at again and again, so that a
 * certificate can be replaced while the process runs; connections that are open keep what they were made with.
 */
export class UpstreamTls {
  private context: SecureContext;
  /** Of what is in use. */
  private digest: string;
  /** Of what cannot be used, since the last look, and whether that was said. */
  private refused = { digest: '', isReported: false };
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /**
   * @param lookMs milliseconds between two looks at the files
   * @param onChange called without an error once new files are in use, and with one, once, when files that are there
   * for two looks cannot be used: then the former stay in use. Must not throw.
   * @throws TlsFilesError with every fault of the files
   */
  constructor(
    private readonly options: TlsOptions,
    private readonly lookMs: number,
    private readonly onChange: (error?: TlsFilesError) => void,
  ) {
    const contents = readTlsFilesSync(options);
    this.context = createContext(options, contents);
    this.digest = digestOf(contents);
  }

  /** Begins to look at the files, if there are any. */
  start(): void {
    const { caFile, certFile } = this.options;
    if (caFile === undefined && certFile === undefined) return;
    this.timer = setTimeout(() => void this.look(), this.lookMs).unref();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** For one new connection. @param host of the instance, without brackets */
  optionsFor(host: string): Required<Pick<ConnectionOptions, 'secureContext' | 'servername'>> {
    return { secureContext: this.context, servername: this.serverNameOf(host) };
  }

  /** Connects as undici does, with what is in use then. @param options of every connection */
  connectorFor(host: string, options: buildConnector.BuildOptions): buildConnector.connector {
    let { context } = this;
    const build = (): buildConnector.connector =>
      buildConnector({ ...options, allowH2: false, ...this.optionsFor(host) });
    let connect = build();
    return (target, done) => {
      if (context !== this.context) {
        ({ context } = this);
        // A new one also forgets TLS sessions, which would carry what was trusted before.
        connect = build();
      }
      // undici's name is that of the request.
      connect({ ...target, servername: undefined as never }, done);
    };
  }

  /** RFC 6066, section 3: a DNS name without its last dot, and never an address. */
  private serverNameOf(host: string): string {
    return this.options.serverName ?? (isIP(host) === 0 ? host.replace(/\.$/, '') : '');
  }

  private async look(): Promise<void> {
    const contents = await readTlsFiles(this.options);
    if (this.isStopped) return;
    this.judge(contents, digestOf(contents));
    this.start();
  }

  private judge(contents: TlsContents, digest: string): void {
    if (digest === this.digest) {
      this.refused = { digest: '', isReported: false };
      return;
    }
    const isSecondLook = digest === this.refused.digest;
    if (isSecondLook && this.refused.isReported) return;
    let error: TlsFilesError | undefined;
    try {
      this.context = createContext(this.options, contents);
      this.digest = digest;
    } catch (thrown) {
      error = thrown as TlsFilesError;
      // At the first look a certificate may be there whose key is about to follow.
      this.refused = { digest, isReported: isSecondLook };
      if (!isSecondLook) return;
    }
    this.onChange(error);
  }
}
