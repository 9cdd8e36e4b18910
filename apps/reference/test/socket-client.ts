import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { RunningService } from './running-service.js';

export const ORIGIN = 'http://localhost:3000';
export const WITH_ORIGIN = { allowedOrigins: [ORIGIN] };

export type Event = Record<string, any>;

export const chatPath = (conversation: string): string => `/v1/ws/chat?conversation_id=${conversation}`;
export const signalingPath = (call: string): string => `/v1/calls/ws/signaling?call_id=${call}`;

/** A client that stores the events it receives. */
export class SocketClient implements AsyncDisposable {
  readonly events: Event[] = [];
  readonly closed: Promise<number>;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.events.push(JSON.parse(data.toString()) as Event);
      socket.emit('kept');
    });
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  /** @throws Error with the status of a refusal */
  static async open({ url }: RunningService, path: string, token: string): Promise<SocketClient> {
    const client = new SocketClient(
      new WebSocket(`${url}${path}`, ['secureconnect.v1'], {
        headers: { Authorization: `Bearer ${token}`, Origin: ORIGIN },
      }),
    );
    await once(client.socket, 'open');
    return client;
  }

  send(event: object | string): void {
    this.socket.send(typeof event === 'string' ? event : JSON.stringify(event));
  }

  /** The first event of this type, past or future. */
  async event(type: string): Promise<Event> {
    for (;;) {
      const found = this.events.find((event) => event['type'] === type);
      if (found) return found;
      await this.next();
    }
  }

  /** Waits for one more event. @throws Error if the socket closes before */
  async next(): Promise<void> {
    const closed = this.closed.then((code) => {
      throw new Error(`closed with ${code}`);
    });
    await Promise.race([once(this.socket, 'kept'), closed]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}
