import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { Changes } from './changes.js';
import type { RecordedRequest } from './recorded-request.js';
import { SocketEnd } from './socket-end.js';
import type { FakeResponse } from './upstream-handler.js';
import type { WebSocketEnd } from './web-socket-end.js';

/** The end of a WebSocket at a fake upstream. */
export interface FakeSocket extends WebSocketEnd {
  /** The handshake that the gateway sent. */
  readonly request: RecordedRequest;
}

/** Called with each new WebSocket of a fake upstream. */
export type WebSocketHandler = (socket: FakeSocket) => void;

/** What Node gives an `upgrade` listener. */
export interface UpgradeParts {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Sends each message back. */
export const echo: WebSocketHandler = (socket) => {
  (socket as UpstreamSocket).socket.on('message', (data, isBinary) =>
    (socket as UpstreamSocket).socket.send(data, { binary: isBinary }),
  );
};

class UpstreamSocket extends SocketEnd implements FakeSocket {
  request!: RecordedRequest;
}

/** The WebSockets of one fake upstream. */
export class FakeSockets {
  readonly all: FakeSocket[] = [];
  private readonly server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  private readonly changes: Changes;

  constructor(
    private readonly upstream: string,
    /** Accepts or refuses each handshake. */
    public handler: WebSocketHandler | FakeResponse | undefined,
    private readonly waitMs: number | undefined,
  ) {
    this.changes = new Changes(waitMs);
  }

  onUpgrade(request: RecordedRequest, { request: incoming, socket, head }: UpgradeParts): void {
    const { handler } = this;
    if (typeof handler !== 'function') {
      socket.end(formatResponse(handler ?? this.noHandler(request)));
      return;
    }
    this.server.handleUpgrade(incoming, socket, head, (webSocket) => {
      const end = Object.assign(new UpstreamSocket(webSocket, incoming, this.waitMs), { request });
      this.all.push(end);
      handler(end);
      this.changes.notify();
    });
  }

  /** Resolves with the WebSocket of this number. @throws TestGatewayError if it does not come */
  at(index: number): Promise<FakeSocket> {
    return this.changes.until(
      () => this.all[index],
      () => `${this.upstream} got ${this.all.length} WebSockets; the test waits for number ${index}`,
    );
  }

  terminate(): void {
    for (const socket of this.all) socket.terminate();
  }

  private noHandler({ path }: RecordedRequest): FakeResponse {
    const body = `The fake upstream ${this.upstream} got a handshake of ${path}, and the test gave it no webSocket`;
    return { status: 501, body };
  }
}

/** The bytes of a whole response. */
function formatResponse({ status = 200, headers = {}, body = '' }: FakeResponse): string {
  const text = typeof body === 'string' || body instanceof Uint8Array ? String(body) : JSON.stringify(body);
  const fields = Object.entries({
    ...headers,
    'Content-Length': Buffer.byteLength(text),
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  return `HTTP/1.1 ${status} Refused\r\n${fields.join('')}\r\n${text}`;
}
