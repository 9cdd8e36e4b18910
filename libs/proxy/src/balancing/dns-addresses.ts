import { randomFraction } from '../http/random.js';
import { lookup, NODATA, NOTFOUND, Resolver } from 'node:dns/promises';

/** Shortest time in milliseconds between the beginnings of two look-ups. */
const LEAST_MS = 500;

/** Longest look-up in milliseconds, and the DNS servers' part of it: the system's hosts file still has time after it. */
const LOOK_MS = 2_000;
const RESOLVE_MS = 1_500;

/** A lost packet is sent again after `timeout` milliseconds. */
const RESOLVER_OPTIONS = { timeout: 500, maxTimeout: 500, tries: 3 } as const;

/** Random deviation of the time between two look-ups, as a share, so that gateways do not ask in step. */
const JITTER = 0.1;

export interface DnsOptions {
  /** DNS servers, each as `ip`, `ip:port` or `[ipv6]:port`. If empty, the system's servers and its hosts file. */
  readonly servers: readonly string[];
  /** Longest time in milliseconds between two look-ups. A shorter TTL is used instead; at least 500. */
  readonly refreshMs: number;
}

interface Found {
  readonly address: string;
  /** In seconds. */
  readonly ttl: number;
}

/** The IPv4 and the IPv6 addresses from a look-up: undefined if it failed, empty if there are none. */
type Families = readonly [readonly Found[] | undefined, readonly Found[] | undefined];

/**
 * The addresses of a name in DNS, A and AAAA, looked up again and again. If a look-up fails or finds nothing, the former
 * addresses stay: services must not vanish because DNS fails.
 */
export class DnsAddresses {
  private readonly host: string;
  private readonly port: string;
  private readonly resolver = new Resolver(RESOLVER_OPTIONS);
  private known: Families = [[], []];
  private origins: readonly string[] = [];
  private looking: Promise<void> | undefined;
  private lookup: Promise<Families> | undefined;
  /** `performance.now()` when the last look-up began. */
  private lookedAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /**
   * @param url `dns://host:port`, as `isInstanceAddress` accepts it
   * @param onChange called with all `http://ip:port`, sorted and never empty, when they have changed. Must not throw.
   * @throws Error if a server is not an IP address
   */
  constructor(
    url: URL,
    private readonly options: DnsOptions,
    private readonly onChange: (origins: readonly string[]) => void,
  ) {
    this.host = url.hostname;
    this.port = url.port;
    if (options.servers.length > 0) this.resolver.setServers(options.servers);
  }

  /** Looks the name up now, and from then on by itself. Resolves after the first look-up; never rejects. */
  start(): Promise<void> {
    return this.look();
  }

  /** Looks the name up at once, or 500 ms after the last look-up began. */
  refreshSoon(): void {
    if (this.isStopped || this.looking) return;
    this.lookIn(Math.max(0, this.lookedAt + LEAST_MS - performance.now()));
  }

  /** Ends all look-ups for good; `onChange` is not called any more. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.resolver.cancel();
  }

  private lookIn(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look(), ms).unref();
  }

  private async look(): Promise<void> {
    if (this.isStopped) return;
    this.looking ??= this.lookOnce().finally(() => (this.looking = undefined));
    await this.looking;
  }

  private async lookOnce(): Promise<void> {
    this.lookedAt = performance.now();
    const found = await this.find();
    if (this.isStopped) return;
    const ttls = found.flatMap((family) => family ?? []).map(({ ttl }) => ttl * 1_000);
    const jitter = 1 + JITTER * (2 * randomFraction() - 1);
    this.lookIn(Math.max(LEAST_MS, Math.min(...ttls, this.options.refreshMs) * jitter));
    if (isEmpty(found)) return;
    this.known = [found[0] ?? this.known[0], found[1] ?? this.known[1]];
    this.publish();
  }

  private publish(): void {
    const addresses = this.known.flatMap((family) => family ?? []).map(({ address }) => address);
    const origins = [...new Set(addresses.map((address) => originOf(address, this.port)))].toSorted();
    if (origins.join() === this.origins.join()) return;
    this.origins = origins;
    this.onChange(origins);
  }

  private async find(): Promise<Families> {
    const found = await this.findAtServers();
    if (!isEmpty(found) || this.options.servers.length > 0 || this.isStopped) return found;
    return this.findInSystem(this.lookedAt + LOOK_MS - performance.now());
  }

  private async findAtServers(): Promise<Families> {
    // The resolver's own timeouts are for one server, and there may be more.
    const giveUp = setTimeout(() => this.resolver.cancel(), RESOLVE_MS).unref();
    const found = await Promise.all([
      this.resolver.resolve4(this.host, { ttl: true }).catch(nothingOrUnknown),
      this.resolver.resolve6(this.host, { ttl: true }).catch(nothingOrUnknown),
    ]);
    clearTimeout(giveUp);
    return found;
  }

  private async findInSystem(withinMs: number): Promise<Families> {
    // A look-up cannot be cancelled and occupies one of the process's few threads, so the next call shares it.
    this.lookup ??= lookupFamilies(this.host).finally(() => (this.lookup = undefined));
    const { promise: late, resolve: giveUp } = Promise.withResolvers<Families>();
    const timer = setTimeout(() => giveUp([undefined, undefined]), withinMs).unref();
    const found = await Promise.race([this.lookup, late]);
    clearTimeout(timer);
    return found;
  }
}

async function lookupFamilies(host: string): Promise<Families> {
  try {
    const found = (await lookup(host, { all: true })).map((each) => ({ ...each, ttl: Infinity }));
    return [found.filter(({ family }) => family === 4), found.filter(({ family }) => family === 6)];
  } catch {
    return [undefined, undefined];
  }
}

function nothingOrUnknown(error: NodeJS.ErrnoException): readonly Found[] | undefined {
  return error.code === NODATA || error.code === NOTFOUND ? [] : undefined;
}

function isEmpty(families: Families): boolean {
  return families.every((family) => !family?.length);
}

function originOf(address: string, port: string): string {
  return new URL(`http://${address.includes(':') ? `[${address}]` : address}:${port}`).origin;
}
