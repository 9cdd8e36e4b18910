import { listenLocally, type ListeningServer } from '@app/testing/internal';
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
import { createServer as createTcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** A fake service on a free port of 127.0.0.1. */
export type PlayedService = ListeningServer;

/** A service by Node's HTTP server. */
export async function startService(
  listener: RequestListener,
  { port = 0, ...options }: ServerOptions & { readonly port?: number } = {},
): Promise<PlayedService & { readonly server: Server }> {
  const server = createServer(options, listener);
  return Object.assign(await listenLocally(server, port), { server });
}

/** A service by Node's HTTPS server. Its `url` has the host `localhost`. */
export async function startSecureService(
  listener: RequestListener,
  { port = 0, ...options }: SecureOptions & { readonly port?: number } = {},
): Promise<PlayedService & { readonly server: SecureServer }> {
  const server = createSecureServer(options, listener);
  // Clients that do not trust its certificate abort the handshake.
  server.on('tlsClientError', () => {});
  const service = await listenLocally(server, port);
  return Object.assign(service, { server, url: `https://localhost:${service.port}` });
}

/**
 * A service that writes exactly the bytes of the test. Errors of its connections are ignored, since the gateway may reset
 * them.
 *
 * @param onConnection gets each raw connection
 * @param port that of an earlier service. Default: any free port
 */
export async function startRawService(
  onConnection: (socket: Socket) => void,
  port = 0,
): Promise<PlayedService> {
  return listenLocally(createTcpServer({ allowHalfOpen: true }, onConnection), port);
}

/** As `startRawService`, over TLS. Its `url` has the host `localhost`. */
export async function startSecureRawService(
  onConnection: (socket: Socket) => void,
  { cert, key }: { readonly cert: string; readonly key: string },
): Promise<PlayedService> {
  const service = await listenLocally(createTlsServer({ cert, key }, onConnection));
  return Object.assign(service, { url: `https://localhost:${service.port}` });
}

/** Resolves when the gateway has ended or reset all its present connections to a service. */
export async function released({ sockets }: PlayedService): Promise<void> {
  await Promise.all([...sockets].map((socket) => ended(socket)));
}

/** Resolves when the other end has ended or reset a connection, also if it did before the call. */
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
