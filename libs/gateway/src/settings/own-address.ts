import { BlockList, isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

/** Whether an address leads back to this process, as far as names tell: a service there would ask itself for ever. */
export function isOwnAddress(address: URL, ownPort: number): boolean {
  const port = Number(address.port || (address.protocol === 'https:' ? 443 : 80));
  if (port !== ownPort) return false;
  const host = address.hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase();
  const family = isIP(host);
  if (family === 0)
    return host === 'localhost' || host.endsWith('.localhost') || host === hostname().toLowerCase();
  return ownAddresses().check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** In every form: the list knows an IPv4 address by its IPv6 form too. */
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
