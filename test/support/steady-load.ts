import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { Agent, request } from 'node:http';
import { createConversation, type Conversation } from './conversation.js';
import { openSocket, type SocketEnd } from './websocket.js';

const HTTP_CLIENTS = 6;
const SOCKETS = 6;

/**
 * Clients that send requests until they are ended. Half read messages and half write them, over keep-alive connections.
 * Some hold a WebSocket, and open another when it is closed.
 */
export class SteadyLoad implements AsyncDisposable {
  /** The number of each result: `GET 200`, `POST ECONNRESET`. */
  readonly answers: Record<string, number> = {};
  /** The close code of every WebSocket that the clients did not close. */
  readonly closeCodes: number[] = [];
  /** The messages of failed handshakes. */
  readonly refusals: string[] = [];
  /** The messages that were written and acknowledged. */
  readonly written: string[] = [];
  /** Requests that were sent again, as by browsers, since their connection ended before the first byte of a response. */
  resent = 0;
  private answered = 0;
  private ending = false;
  private readonly progress = new EventEmitter();
  private readonly agent = new Agent({ keepAlive: true });
  private readonly sockets = new Map<number, SocketEnd>();
  private readonly running: Promise<unknown>;

  /** @param port of a gateway, or of nginx */
  static async start(port: number): Promise<SteadyLoad> {
    return new SteadyLoad(port, await createConversation(port), await createConversation(port));
  }

  /** @param conversation of the messages that clients write @param room of the WebSockets */
  private constructor(
    private readonly port: number,
    readonly conversation: Conversation,
    private readonly room: Conversation,
  ) {
    const clients = Array.from({ length: HTTP_CLIENTS }, (_, n) => this.askOn(n % 2 ? 'POST' : 'GET'));
    const holders = Array.from({ length: SOCKETS }, (_, n) => this.holdOn(n));
    this.running = Promise.all([...clients, ...holders]);
  }

  /** Waits until so many more requests got a response, and every WebSocket is open. */
  async more(requests: number): Promise<void> {
    const enough = this.answered + requests;
    while (this.answered < enough || this.sockets.size < SOCKETS) {
      if (this.refusals.length > 0) throw new Error(`refused: ${this.refusals.join()}`);
      await once(this.progress, 'made');
    }
  }

  /** Sends a message on every socket, and waits until all sockets have received it. */
  async talk(): Promise<void> {
    await Promise.all(
      [...this.sockets.values()].map(async (end) => {
        const word = randomUUID();
        end.send(JSON.stringify({ type: 'message', content: word }));
        await end.until(() => end.messages.some((message) => message.includes(word)));
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ending = true;
    for (const { socket } of this.sockets.values()) socket.terminate();
    await this.running;
    this.agent.destroy();
  }

  private async askOn(method: 'GET' | 'POST'): Promise<void> {
    while (!this.ending) {
      const content = `message ${randomUUID()}`;
      const answer = `${method} ${await this.ask(method, content)}`;
      this.answers[answer] = (this.answers[answer] ?? 0) + 1;
      this.answered++;
      this.progress.emit('made');
      if (answer === 'POST 201') this.written.push(content);
    }
  }

  private ask(method: 'GET' | 'POST', content: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const isPost = method === 'POST';
    const body = isPost ? JSON.stringify({ conversation_id: this.conversation.id, content }) : undefined;
    const type = body && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const outgoing = request({
      host: '127.0.0.1',
      port: this.port,
      agent: this.agent,
      method,
      path: `/v1/messages${isPost ? '' : `?conversation_id=${this.conversation.id}&limit=1`}`,
      headers: { ...this.conversation.headers, ...type },
    });
    let hasAnswer = false;
    outgoing.on('response', (response) => {
      hasAnswer = true;
      response
        .on('error', () => {})
        .on('close', () => resolve(response.complete ? String(response.statusCode) : 'broken'));
      response.resume();
    });
    outgoing.on('error', ({ message }) => {
      if (hasAnswer || !outgoing.reusedSocket) {
        resolve(message);
        return;
      }
      this.resent++;
      resolve(this.ask(method, content));
    });
    outgoing.end(body);
    return promise;
  }

  private async holdOn(n: number): Promise<void> {
    while (!this.ending) {
      try {
        const path = `/v1/ws/chat?conversation_id=${this.room.id}`;
        const end = await openSocket({ port: this.port }, path, { headers: this.room.headers });
        this.sockets.set(n, end);
        this.progress.emit('made');
        const { code } = await end.closed;
        this.sockets.delete(n);
        if (!this.ending) this.closeCodes.push(code);
      } catch (error) {
        this.refusals.push((error as Error).message);
        this.progress.emit('made');
        return;
      }
    }
  }
}
