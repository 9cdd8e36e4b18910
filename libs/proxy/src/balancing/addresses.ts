import { DnsAddresses, type DnsOptions } from './dns-addresses.js';

/** What the addresses of an upstream stand for now: each is an origin itself, or a name with all that DNS has of it. */
export class Addresses {
  /** By address. */
  private readonly origins = new Map<string, readonly string[]>();
  private readonly names: readonly DnsAddresses[];

  /**
   * @param urls `http://`, `https://` or `dns://`, as `isInstanceAddress` has them
   * @param onChange hears of the origins whenever they differ from the last. Must not throw.
   * @throws Error where a DNS server is no address
   */
  constructor(
    urls: readonly URL[],
    options: DnsOptions,
    private readonly onChange: (origins: readonly string[]) => void,
  ) {
    const [names, own] = [urls.filter(isName), urls.filter((url) => !isName(url))];
    for (const { origin } of own) this.origins.set(origin, [origin]);
    this.names = names.map((url) => new DnsAddresses(url, options, (found) => this.set(url.href, found)));
  }

  /** All of them, each once. */
  get all(): readonly string[] {
    return [...new Set([...this.origins.values()].flat())];
  }

  /** Looks up the names, and again from then on. */
  async start(): Promise<void> {
    await Promise.all(this.names.map((name) => name.start()));
  }

  /** Looks the names up again soon: an instance could not be reached, so its address may have changed. */
  refreshSoon(): void {
    for (const name of this.names) name.refreshSoon();
  }

  stop(): void {
    for (const name of this.names) name.stop();
  }

  private set(address: string, found: readonly string[]): void {
    this.origins.set(address, found);
    this.onChange(this.all);
  }
}

function isName({ protocol }: URL): boolean {
  return protocol === 'dns:';
}
