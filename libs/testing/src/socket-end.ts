import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { Changes } from './changes.js';
import { TestGatewayError } from './test-gateway.error.js';
import type { Closed, WebSocketEnd } from './web-socket-end.js';

/** An end by the library `ws`. */
export class SocketEnd implements WebSocketEnd {
  readonly messages: (string | Buffer)[] = [];
  readonly pings: string[] = [];
  readonly closed: Promise<Closed>;
  private readonly changes: Changes;
  /** Messages that `next` has returned. */
  private taken = 0;

  /** @param waitMs milliseconds that a test waits for a message */
  constructor(
    readonly socket: WebSocket,
    /** The request of the handshake at a service, the response at a client. */
    readonly handshake: IncomingMessage,
    waitMs?: number,
  ) {
    this.changes = new Changes(waitMs);
    socket.on('message', (data: Buffer, isBinary) => this.add(data, isBinary));
    socket.on('ping', (data: Buffer) => {
      this.pings.push(data.toString());
      this.changes.notify();
    });
    socket.on('error', () => {});
    this.closed = once(socket, 'close').then(([code, reason]) => ({
      code: code as number,
      reason: String(reason),
    }));
    void this.closed.then(() => this.changes.notify());
  }

  /** The TCP connection under the socket. */
  get stream(): Socket {
    return this.handshake.socket;
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  add(data: Buffer, isBinary: boolean): void {
    this.messages.push(isBinary ? data : data.toString());
    this.changes.notify();
  }

  send(data: string | Buffer): void {
    this.socket.send(data);
  }

  async next(): Promise<string | Buffer> {
    const index = this.taken++;
    await this.received(index + 1);
    return this.messages[index]!;
  }

  async received(count: number): Promise<(string | Buffer)[]> {
    await this.until(() => this.messages.length >= count);
    return this.messages;
  }

  /** Resolves when the condition is true for the messages and pings. @throws TestGatewayError if the socket closes before */
  async until(isEnough: () => boolean): Promise<void> {
    await this.changes.until(
      () => {
        if (isEnough()) return true;
        if (this.socket.readyState === WebSocket.CLOSED)
          throw new TestGatewayError(`The WebSocket closed first, after ${this.count()}`);
        return undefined;
      },
      () => `the WebSocket got only ${this.count()}`,
    );
  }

  close(code = 1000, reason = ''): Promise<Closed> {
    this.socket.close(code, reason);
    return this.closed;
  }

  terminate(): void {
    this.socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }

  private count(): string {
    return `${this.messages.length} messages`;
  }
}
