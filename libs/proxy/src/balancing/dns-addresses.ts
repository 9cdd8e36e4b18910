import { randomFraction } from '../http/random.js';
import { lookup, NODATA, NOTFOUND, Resolver } from 'node:dns/promises';

/** Least milliseconds between the beginnings of two looks. */
const LEAST_MS = 500;

/** Milliseconds that a look may take, and of these the DNS servers: a system that has a name in a file still answers. */
const LOOK_MS = 2_000;
const RESOLVE_MS = 1_500;

/** A lost packet is sent again, each after this many milliseconds. */
const RESOLVER_OPTIONS = { timeout: 500, maxTimeout: 500, tries: 3 } as const;

/** How far the time between two looks goes to either side, so that gateways do not ask in step. */
const JITTER = 0.1;

export interface DnsOptions {
  /** DNS servers, each as `ip`, `ip:port` or `[ipv6]:port`; where empty, the system's, and its hosts file. */
  readonly servers: readonly string[];
  /** Most milliseconds between two looks; a shorter TTL is obeyed, both down to 500. */
  readonly refreshMs: number;
}

interface Found {
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

/** What a look found of IPv4 and of IPv6: undefined where it could not know, empty where there is nothing. */
type Families = readonly [readonly Found[] | undefined, readonly Found[] | undefined];

/**
 * The addresses that a name has in DNS, A and AAAA, looked at again and again. What a look could not find out stays as
 * it was: services must not vanish because DNS hiccups.
 */
export class DnsAddresses {
  private readonly host: string;
  private readonly port: string;
  private readonly resolver = new Resolver(RESOLVER_OPTIONS);
  private known: Families = [[], []];
  private origins: readonly string[] = [];
  private looking: Promise<void> | undefined;
  private lookup: Promise<Families> | undefined;
  /** `performance.now()` of when the last look began. */
  private lookedAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /**
   * @param url `dns://host:port`, as `isInstanceAddress` has it
   * @param onChange called with all `http://ip:port`, sorted and never empty, whenever they differ from the last. Must
   * not throw.
   * @throws Error where a server is no address
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

  /** Looks now, unless a look is under way, and from then on by itself. Resolves once that look found or failed. */
  start(): Promise<void> {
    return this.look();
  }

  /** An address did not take a connection: looks at once, or 500 ms after the last look began. */
  refreshSoon(): void {
    if (this.isStopped || this.looking) return;
    this.lookIn(Math.max(0, this.lookedAt + LEAST_MS - performance.now()));
  }

  /** Ends all looks for good; `onChange` is not called any more. */
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
    // The resolver's own clocks are for one server, and there may be more.
    const giveUp = setTimeout(() => this.resolver.cancel(), RESOLVE_MS).unref();
    const found = await Promise.all([
      this.resolver.resolve4(this.host, { ttl: true }).catch(nothingOrUnknown),
      this.resolver.resolve6(this.host, { ttl: true }).catch(nothingOrUnknown),
    ]);
    clearTimeout(giveUp);
    return found;
  }

  private async findInSystem(withinMs: number): Promise<Families> {
    // It cannot be cancelled and holds one of the process's few threads, so the next look waits for the same.
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
