import type { Socket } from 'node:net';

/** The protocol of a client's connection to this process, whatever a proxy in front says of its own. */
export function ownProtocolOf(socket: Socket): 'http' | 'https' {
  return 'encrypted' in socket ? 'https' : 'http';
}
