import { hostname, networkInterfaces } from 'node:os';

/** Whether an address leads back to this process, as far as names tell: a service there would ask itself for ever. */
export function isOwnAddress(address: URL, ownPort: number): boolean {
  const port = Number(address.port || (address.protocol === 'https:' ? 443 : 80));
  if (port !== ownPort) return false;
  const host = address.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host === '0.0.0.0' || host === '::' || host.startsWith('127.')) return true;
  if (host === hostname().toLowerCase()) return true;
  return Object.values(networkInterfaces()).some((own) => own?.some(({ address: ip }) => ip === host));
}
