import { BlockList, isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

/** Whether an address is this process's own, as far as its name tells. An upstream there would be an endless loop. */
export function isOwnAddress(address: URL, ownPort: number): boolean {
  const port = Number(address.port || (address.protocol === 'https:' ? 443 : 80));
  if (port !== ownPort) return false;
  const host = address.hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase();
  const family = isIP(host);
  if (family === 0)
    return host === 'localhost' || host.endsWith('.localhost') || host === hostname().toLowerCase();
  return ownAddresses().check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** A BlockList also matches the IPv6 form of an IPv4 address. */
function ownAddresses(): BlockList {
  const own = new BlockList();
  own.addSubnet('127.0.0.0', 8, 'ipv4');
  own.addAddress('0.0.0.0', 'ipv4');
  own.addAddress('::', 'ipv6');
  own.addAddress('::1', 'ipv6');
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, family } of addresses ?? []) {
      own.addAddress(address, family === 'IPv6' ? 'ipv6' : 'ipv4');
    }
  }
  return own;
}
