import { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/** One end of a connection in memory. A write waits while the other end is not read, as with a full kernel. */
class MemoryStream extends Duplex {
  bytesRead = 0;
  private other!: MemoryStream;
  /** The pending write of the other end. */
  private waiting: (() => void) | undefined;

  static pair(): readonly [MemoryStream, MemoryStream] {
    const [one, other] = [new MemoryStream(), new MemoryStream()];
    one.other = other;
    other.other = one;
    return [one, other];
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  override _read(): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const { other } = this;
    // In a turn of its own, like bytes from a network.
    setImmediate(() => {
      if (other.destroyed || other.readableEnded) return done();
      other.bytesRead += chunk.length;
      if (other.push(chunk)) done();
      else other.waiting = done;
    });
  }

  override _final(done: () => void): void {
    this.endOther();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.endOther();
    this._read();
    done(error);
  }

  private endOther(): void {
    const { other } = this;
    setImmediate(() => {
      if (!other.destroyed && !other.readableEnded) other.push(null);
    });
  }
}

/** A WebSocket and its connection. */
export interface MemorySocket {
  readonly socket: WebSocket;
  readonly stream: Socket;
}

/** Options of both ends. By default neither end sends pongs by itself. */
const OPTIONS = { perMessageDeflate: false, autoPong: false };

/** Opens a WebSocket in memory. */
export async function openMemorySockets(options: {
  readonly server?: object;
  readonly client?: object;
}): Promise<{ readonly server: MemorySocket; readonly client: MemorySocket }> {
  const [serverStream, clientStream] = MemoryStream.pair() as unknown as readonly [Socket, Socket];
  const client = new WebSocket('ws://memory', {
    ...OPTIONS,
    ...options.client,
    createConnection: () => clientStream,
  });
  const opened = new Promise((resolve) => client.once('open', resolve));
  const request = await readHandshake(serverStream);
  const accepting = new WebSocketServer({
    ...OPTIONS,
    ...options.server,
    noServer: true,
    clientTracking: false,
  });
  const server = await new Promise<WebSocket>((resolve) => {
    accepting.handleUpgrade(request, serverStream, Buffer.alloc(0), resolve);
  });
  serverStream.resume();
  await opened;
  for (const socket of [server, client]) socket.on('error', () => {});
  return {
    server: { socket: server, stream: serverStream },
    client: { socket: client, stream: clientStream },
  };
}

async function readHandshake(stream: Socket): Promise<IncomingMessage> {
  const [bytes] = await new Promise<Buffer[]>((resolve) => stream.once('data', (...read) => resolve(read)));
  stream.pause();
  const lines = bytes!.toString('latin1').split('\r\n').slice(1);
  const headers = Object.fromEntries(
    lines
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  return { method: 'GET', url: '/', headers } as unknown as IncomingMessage;
}

/** Waits for some turns of the event loop, in which bytes in memory arrive and get a response. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}
