import ipaddr from 'ipaddr.js';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Who is at the other end of a connection, as far as it can be believed. */
export interface Peer {
  /** The connection's own remote address. */
  readonly peerAddress: string;
  /** Whether that peer may speak for others by `X-Forwarded-*` and `X-Request-ID`. */
  readonly peerTrusted: boolean;
  /** The client that limits and logs are about. */
  readonly clientAddress: string;
}

/** Which proxies in front of the gateway are believed: none, the nearest `hops`, or those in `cidrs`. */
export type TrustOptions =
  | { readonly kind: 'none' }
  | { readonly kind: 'hops'; readonly hops: number }
  | { readonly kind: 'cidrs'; readonly cidrs: readonly string[] };

/**
 * Finds the client behind trusted proxies: walks `X-Forwarded-For` from the right and stops at the first address
 * that no trusted proxy vouches for, so that what a stranger writes on the left is never believed.
 */
export class TrustedProxies {
  private readonly hops: number;
  private readonly ranges: readonly Range[];
  /** Most connections come from a few proxies, and parsing costs more than all the rest. */
  private readonly seen = new Map<string, boolean>();

  constructor(options: TrustOptions) {
    this.hops = options.kind === 'hops' ? options.hops : 0;
    this.ranges = options.kind === 'cidrs' ? options.cidrs.map((cidr) => parseRange(cidr)) : [];
  }

  resolve(remoteAddress: string | undefined, forwardedFor: string | undefined): Peer {
    const peerAddress = plainAddress(remoteAddress ?? '');
    const peerTrusted = this.trusts(peerAddress, 0);
    if (!peerTrusted || forwardedFor === undefined) {
      return { peerAddress, peerTrusted, clientAddress: peerAddress };
    }
    const chain = forwardedFor.split(',');
    let clientAddress = peerAddress;
    for (let hop = 1; hop <= chain.length; hop++) {
      const claimed = plainAddress(chain[chain.length - hop]!.trim());
      if (!ipaddr.isValid(claimed)) break;
      clientAddress = claimed;
      if (!this.trusts(claimed, hop)) break;
    }
    return { peerAddress, peerTrusted, clientAddress };
  }

  private trusts(address: string, hop: number): boolean {
    if (this.hops > 0) return hop < this.hops;
    if (this.ranges.length === 0) return false;
    let trusted = this.seen.get(address);
    if (trusted === undefined) {
      trusted = this.isInRange(address);
      if (this.seen.size >= SEEN_LIMIT) this.seen.clear();
      this.seen.set(address, trusted);
    }
    return trusted;
  }

  private isInRange(address: string): boolean {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return this.ranges.some((range) => parsed.kind() === range[0].kind() && parsed.match(range));
  }
}

const SEEN_LIMIT = 4096;

/** @throws Error where the text is neither an address nor a CIDR range */
function parseRange(cidr: string): Range {
  if (cidr.includes('/')) return ipaddr.parseCIDR(cidr);
  const address = ipaddr.parse(cidr);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** Whether `TRUST_PROXY` may name this range. */
export function isAddressRange(text: string): boolean {
  try {
    parseRange(text);
    return true;
  } catch {
    return false;
  }
}

/** An IPv4 address that a dual-stack socket shows as `::ffff:1.2.3.4`, in its own form; an address with a port, without. */
function plainAddress(address: string): string {
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice('::ffff:'.length);
  if (address.startsWith('[')) return address.slice(1, address.indexOf(']'));
  const colon = address.indexOf(':');
  return colon !== -1 && colon === address.lastIndexOf(':') ? address.slice(0, colon) : address;
}
