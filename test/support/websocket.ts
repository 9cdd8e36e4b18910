import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openSocketEnd, SocketEnd } from '@app/testing/internal';
import { WebSocketServer, type ServerOptions } from 'ws';
import { bearer } from './gateway.js';
import { RawClient } from './raw-client.js';

export type { Closed } from '@app/testing';
export { SocketEnd };

/** A WebSocket service on a free port of 127.0.0.1. */
export interface SocketService extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** All connections so far, in order. */
  readonly connections: readonly SocketEnd[];
  /** Resolves with the connection of this number, past or future. The first is 0. */
  connection(index: number): Promise<SocketEnd>;
}

/** @param onConnection handles each new connection @param port that of an earlier service. Default: any free port */
export async function startSocketService(
  onConnection: (end: SocketEnd) => void = () => {},
  { port = 0, ...options }: ServerOptions = {},
): Promise<SocketService> {
  const server = new WebSocketServer({ host: '127.0.0.1', port, ...options });
  await once(server, 'listening');
  const connections: SocketEnd[] = [];
  server.on('connection', (socket, request) => {
    const end = new SocketEnd(socket, request, Infinity);
    connections.push(end);
    onConnection(end);
    server.emit('kept');
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    connections,
    async connection(index) {
      while (connections.length <= index) await once(server, 'kept');
      return connections[index]!;
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of connections) socket.terminate();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Echoes every message. */
export function echo({ socket }: SocketEnd): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

export interface ClientOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly protocols?: string[];
}

export const CHAT = '/v1/ws/chat?conversation_id=7';

/** A route without resumption, so that a client always gets the close code of the service. */
export const SIGNALING = '/v1/calls/ws/signaling?call_id=7';

/** Opens a client's socket, with a valid token unless headers say otherwise. @throws HandshakeRefusedError */
export function openSocket(
  { port }: { readonly port: number },
  path = CHAT,
  { headers = bearer(), protocols = [] }: ClientOptions = {},
): Promise<SocketEnd> {
  return openSocketEnd(`ws://127.0.0.1:${port}${path}`, { headers, protocols, waitMs: Infinity });
}

/** The bytes of a handshake. */
export function rawHandshake(path = CHAT, headers: Readonly<Record<string, string>> = {}): string {
  const fields = {
    Host: 'gateway',
    ...bearer(),
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(fields)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** The bytes of a frame as a client sends it: masked with zeros, so that its payload can be read. */
export function frame(
  opcode: number,
  payload: string | Buffer = '',
  { fin = true, rsv = 0, masked = true }: { fin?: boolean; rsv?: number; masked?: boolean } = {},
): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const mask = masked ? 0x80 : 0;
  if (body.length < 126) head.push(mask | body.length);
  else if (body.length < 65_536) head.push(mask | 126, body.length >> 8, body.length & 0xff);
  else {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(body.length));
    head.push(mask | 127, ...length);
  }
  return Buffer.concat([Buffer.from(head), ...(masked ? [Buffer.alloc(4)] : []), body]);
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The `Sec-WebSocket-Accept` for a handshake's key (RFC 6455, section 4.2.2). */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** The 101 response to a handshake. @param head the handshake @param more further header lines */
export function acceptingAnswer(head: Buffer | string, more = ''): string {
  const key = /sec-websocket-key: *(\S+)/i.exec(head.toString())![1]!;
  return (
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n${more}\r\n`
  );
}

/** The bytes of a close frame. */
export function closeFrame(code: number, reason: string | Buffer = '', masked = true): Buffer {
  const payload = Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]);
  return frame(OPCODE.close, payload, { masked });
}

/** Opens a socket whose client writes raw frames. `peer` is the end at the service. @throws Error if it is refused */
export async function openRawSocket(
  gateway: { readonly port: number },
  service: SocketService,
  handshake = rawHandshake(),
): Promise<RawClient & { readonly peer: SocketEnd }> {
  const index = service.connections.length;
  const client = await RawClient.connect(gateway.port);
  client.socket.setNoDelay(true);
  client.write(handshake);
  const head = await client.until(/\r\n\r\n/);
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`The handshake was refused: ${head}`);
  return Object.assign(client, { peer: await service.connection(index) });
}

/** The code of the close frame that a client got. */
export async function closeCodeOf(client: RawClient): Promise<number> {
  const text = await client.until(/\x88[\x02-\x7d]../s);
  const at = /\x88[\x02-\x7d]../s.exec(text)!.index;
  return Buffer.from(text.slice(at + 2, at + 4), 'latin1').readUInt16BE();
}

/** Complete responses to a handshake that open no WebSocket. */
export const REFUSALS: readonly string[] = [
  'HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\n\r\n',
];
