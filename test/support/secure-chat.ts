import type { ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { HandshakeRefusedError } from '@app/testing';
import { WebSocketServer } from 'ws';
import { ask } from './ask.js';
import { bearer } from './gateway.js';
import { bodyOf, startSecureService, type PlayedService } from './service.js';
import { CHAT, openSocket } from './websocket.js';

export const MESSAGES = '/v1/messages';

/** A chat service over TLS that echoes messages and bodies, and records its clients. */
export interface SecureChat extends PlayedService {
  /** Path and `Host` of each request, in order. */
  readonly requests: readonly { readonly path: string; readonly host: string | undefined }[];
  /** The server name of each completed TLS handshake; `false` if it had none. */
  readonly serverNames: readonly unknown[];
  /** The fingerprint of each client's certificate. */
  readonly fingerprints: readonly string[];
  /** Uses these options for new connections. */
  use(options: ServerOptions): void;
  closeConnections(): void;
}

export async function startSecureChat(options: ServerOptions): Promise<SecureChat> {
  const requests: { path: string; host: string | undefined }[] = [];
  const serverNames: unknown[] = [];
  const fingerprints: string[] = [];
  const service = await startSecureService((request, response) => {
    requests.push({ path: request.url!, host: request.headers.host });
    bodyOf(request).then(
      (body) => response.end(body),
      () => {},
    );
  }, options);
  const { server } = service;
  server.on('secureConnection', (socket: TLSSocket & { readonly servername?: unknown }) => {
    serverNames.push(socket.servername);
    fingerprints.push(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return Object.assign(service, {
    requests,
    serverNames,
    fingerprints,
    use: (changed: ServerOptions) => server.setSecureContext(changed),
    closeConnections: () => server.closeAllConnections(),
  });
}

/** The statuses of a GET, a POST and a WebSocket's handshake, in this order. @param host the client's `Host` for the gateway */
export async function statusesOf(
  gateway: { readonly port: number },
  host = 'gateway.example',
): Promise<number[]> {
  const headers = { ...bearer(), Host: host };
  const get = await ask(gateway, { path: MESSAGES, headers });
  const post = await ask(gateway, { method: 'POST', path: MESSAGES, headers, body: 'hello' });
  if (post.status === 200 && post.body !== 'hello') throw new Error(`The service received ${post.body}`);
  return [get.status, post.status, await handshakeStatus(gateway, headers)];
}

/** 101 after a message has come back. */
async function handshakeStatus(
  gateway: { readonly port: number },
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  try {
    await using socket = await openSocket(gateway, CHAT, { headers });
    socket.send('hello');
    await socket.received(1);
    return 101;
  } catch (error) {
    return (error as HandshakeRefusedError).status;
  }
}
