import { BlockList, isIP } from 'node:net';

/** The other end of a connection, and the client behind it. */
export interface Peer {
  /** The connection's own remote address. */
  readonly peerAddress: string;
  /** Whether the peer is a trusted proxy, whose `X-Forwarded-*` and `X-Request-ID` are believed. */
  readonly isPeerTrusted: boolean;
  /** The client's address, for limits and logs. */
  readonly clientAddress: string;
}

/** The trusted proxies in front of the gateway: none, the nearest `hops`, or those in `cidrs`. */
export type TrustOptions =
  | { readonly kind: 'none' }
  | { readonly kind: 'hops'; readonly hops: number }
  | { readonly kind: 'cidrs'; readonly cidrs: readonly string[] };

/**
 * Finds the client behind trusted proxies: reads `X-Forwarded-For` from the right and stops at the first address that is
 * not a trusted proxy's. Addresses further left may be made up.
 */
export class TrustedProxies {
  private readonly hops: number;
  private readonly ranges: BlockList | undefined;

  constructor(options: TrustOptions) {
    this.hops = options.kind === 'hops' ? options.hops : 0;
    this.ranges = options.kind === 'cidrs' ? blockListOf(options.cidrs) : undefined;
  }

  resolve(remoteAddress: string | undefined, forwardedFor: string | undefined): Peer {
    const peerAddress = plainAddress(remoteAddress ?? '');
    const isPeerTrusted = this.trusts(peerAddress, 0);
    if (!isPeerTrusted || forwardedFor === undefined) {
      return { peerAddress, isPeerTrusted, clientAddress: peerAddress };
    }
    const chain = forwardedFor.split(',');
    let clientAddress = peerAddress;
    for (let hop = 1; hop <= chain.length; hop++) {
      const claimed = plainAddress(withoutPort(chain[chain.length - hop]!.trim()));
      if (isIP(claimed) === 0) break;
      clientAddress = claimed;
      if (!this.trusts(claimed, hop)) break;
    }
    return { peerAddress, isPeerTrusted, clientAddress };
  }

  private trusts(address: string, hop: number): boolean {
    if (this.hops > 0) return hop < this.hops;
    return this.ranges !== undefined && this.ranges.check(address, familyOf(address));
  }
}

/** Whether `TRUST_PROXY` may name this: an address or a CIDR range. */
export function isAddressRange(text: string): boolean {
  try {
    blockListOf([text]);
    return true;
  } catch {
    return false;
  }
}

/** @throws Error if a text is neither an address nor a CIDR range */
function blockListOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix, ...rest] = cidr.split('/');
    if (rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) throw new Error(cidr);
    if (prefix === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** Forms in `X-Forwarded-For`: an IPv6 address in brackets or an IPv4 address, each with or without a port. */
const WITH_PORT = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/;

/** The prefix of an IPv4 address from a dual-stack socket. */
const MAPPED_PREFIX = '::ffff:';

/** IPv4 in IPv6 (RFC 4291, section 2.5.5.2), with the zeros before it in any form. */
const MAPPED = /^(?:0{0,4}:)+ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/;

function withoutPort(text: string): string {
  const found = WITH_PORT.exec(text);
  return found?.[1] ?? found?.[2] ?? text;
}

/**
 * One form for each address, or limits by address would count a client more than once: no zone (`fe80::1%eth0`), lower
 * case, mapped IPv4 as IPv4. A text that is no address does not become one.
 */
function plainAddress(address: string): string {
  if (!address.includes(':')) return address;
  const zone = address.indexOf('%');
  const lower = (zone === -1 ? address : address.slice(0, zone)).toLowerCase();
  const mapped = MAPPED.exec(lower);
  if (!mapped) return lower;
  // The pattern does not count zeros: `0:ffff:1:2` is no address.
  if (!lower.startsWith(MAPPED_PREFIX) && isIP(lower) !== 6) return lower;
  const [, dotted, high, low] = mapped;
  return (
    dotted ??
    [high!, low!]
      .map((part) => Number.parseInt(part, 16))
      .flatMap((half) => [half >> 8, half & 0xff])
      .join('.')
  );
}
