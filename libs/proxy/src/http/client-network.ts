/** Groups of an IPv6 address that name a network; what follows, each customer chooses freely (RFC 6177, RFC 7421). */
const NETWORK_GROUPS = 4;

/**
 * Whom an address stands for: itself, or, of an IPv6 address, its /64, since one client has 2^64 of them.
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
