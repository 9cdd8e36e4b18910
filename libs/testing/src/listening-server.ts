import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A server on a port of 127.0.0.1, which ends its connections with itself. */
export interface ListeningServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
}

/**
 * Makes a server listen. Errors of its connections are ignored, since the gateway may reset them.
 *
 * @param at the port. Default: any free one
 */
export async function listenLocally(server: Server, at = 0): Promise<ListeningServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    accepted: () => accepted,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
