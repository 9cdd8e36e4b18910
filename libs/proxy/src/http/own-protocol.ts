import type { Socket } from 'node:net';

/** The protocol of the connection to this process; that of the client to a proxy in front may differ. */
export function ownProtocolOf(socket: Socket): 'http' | 'https' {
  return 'encrypted' in socket ? 'https' : 'http';
}
