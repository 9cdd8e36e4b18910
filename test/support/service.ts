import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import {
  createServer as createSecureServer,
  type Server as SecureServer,
  type ServerOptions as SecureOptions,
} from 'node:https';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';

/** A server that plays a service, on a free port of 127.0.0.1. */
export interface PlayedService extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
}

/** A service that speaks HTTP as Node does. */
export async function startService(
  listener: RequestListener,
  { port = 0, ...options }: ServerOptions & { readonly port?: number } = {},
): Promise<PlayedService & { readonly server: Server }> {
  const server = createServer(options, listener);
  return Object.assign(await play(server, port), { server });
}

/** The same over TLS. Its `url` has the host `localhost`. */
export async function startSecureService(
  listener: RequestListener,
  { port = 0, ...options }: SecureOptions & { readonly port?: number } = {},
): Promise<PlayedService & { readonly server: SecureServer }> {
  const server = createSecureServer(options, listener);
  // Clients that do not trust it leave in the middle of the handshake.
  server.on('tlsClientError', () => {});
  const service = await play(server, port);
  return Object.assign(service, { server, url: `https://localhost:${service.port}` });
}

/**
 * A service that writes whatever bytes it is told, right or wrong. `onConnection` gets each raw connection; errors on
 * it are swallowed, since the peer may reset it. @param port where a service was before that comes back
 */
export async function startRawService(
  onConnection: (socket: Socket) => void,
  port = 0,
): Promise<PlayedService> {
  return play(createTcpServer({ allowHalfOpen: true }, onConnection), port);
}

async function play(server: TcpServer, at = 0): Promise<PlayedService> {
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

/** Resolves once the gateway has ended or reset every connection that it has to a service now. */
export async function released({ sockets }: PlayedService): Promise<void> {
  await Promise.all([...sockets].map((socket) => ended(socket)));
}

/** Resolves once the other end of a connection has ended or reset it, now or before. */
export async function ended(socket: Socket): Promise<void> {
  if (socket.destroyed || socket.readableEnded) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('end', resolve).once('close', resolve).resume();
  await promise;
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** A port that was free a moment ago, for what must know its port before it listens. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
