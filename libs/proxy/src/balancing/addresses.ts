import { DnsAddresses, type DnsOptions } from './dns-addresses.js';

/** The origins of an upstream's addresses. An address is an origin itself, or a name with all its addresses in DNS. */
export class Addresses {
  /** By address. */
  private readonly origins = new Map<string, readonly string[]>();
  private readonly names: readonly DnsAddresses[];

  /**
   * @param urls `http://`, `https://` or `dns://`, as `isInstanceAddress` accepts them
   * @param onChange called with all origins when they have changed. Must not throw.
   * @throws Error if a DNS server is not an IP address
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

  /** All origins, each once. */
  get all(): readonly string[] {
    return [...new Set([...this.origins.values()].flat())];
  }

  /** Resolves the names, and again from then on. */
  async start(): Promise<void> {
    await Promise.all(this.names.map((name) => name.start()));
  }

  /** Resolves the names again soon, since an address may have changed. */
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
