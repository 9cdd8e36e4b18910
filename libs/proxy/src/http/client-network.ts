/** Groups of an IPv6 address that name a network. Each customer chooses the others freely (RFC 6177, RFC 7421). */
const NETWORK_GROUPS = 4;

/**
 * The network of an address: an IPv4 address itself, or the /64 of an IPv6 address, since one client has all 2^64 of it.
 * @param address in any form, a zone included
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head, tail] = address.split('%', 1)[0]!.toLowerCase().split('::') as [string, string?];
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${network.join(':')}::/64`;
}
