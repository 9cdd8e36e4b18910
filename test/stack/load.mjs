import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { Client } from './client.mjs';

/** Milliseconds between two requests of one client, and between two messages of one socket. */
const PERIOD_MS = 25;
const MESSAGE_PERIOD_MS = 500;
/** Longer than any clock between here and the services. */
const PATIENCE_MS = 70_000;

/** People who read and write over HTTP, and others who talk over WebSockets, at a constant rate, until it is stopped. */
export class Load {
  /** Answers by status; anything but 200 and 201 is in `failures` too. */
  statuses = new Map();
  failures = [];
  durationsMs = [];
  /** Closes of sockets by code; handshakes that were refused are in `failures`. */
  closes = new Map();
  messages = 0;

  #conversation;
  #written = new Set();
  #isOver = false;
  #agent = new Agent({ keepAlive: true });
  #sockets = new Set();
  #running = [];

  /** @param url nginx */
  static async start(url, { clients, sockets }) {
    const user = await new Client(url).begin();
    const load = new Load(url, user, await user.converse());
    for (let at = 0; at < clients; at++) load.#running.push(load.#ask((at * PERIOD_MS) / clients));
    for (let at = 0; at < sockets; at++) load.#running.push(load.#talk((at * MESSAGE_PERIOD_MS) / sockets));
    return load;
  }

  /** @param conversation where all of them talk */
  constructor(url, user, conversation) {
    this.url = new URL(url);
    this.user = user;
    this.#conversation = conversation;
  }

  get requests() {
    return [...this.statuses.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The longest wait since this was last asked. */
  takeLongestMs() {
    const longest = Math.max(0, ...this.durationsMs);
    this.durationsMs = [];
    return Math.round(longest);
  }

  async stop() {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.close(1000);
    await Promise.all(this.#running);
    this.#agent.destroy();
  }

  /** Writes that were acknowledged and are not there exactly once, among those over HTTP. */
  async notOnce() {
    const counts = new Map();
    let before = '';
    for (;;) {
      const path = `/v1/messages?conversation_id=${this.#conversation}&limit=100${before && `&before=${before}`}`;
      const { body } = await this.user.ask('GET', path);
      const { messages, next_before: next } = body.data;
      for (const { content } of messages) counts.set(content, (counts.get(content) ?? 0) + 1);
      if (next === null) break;
      before = next;
    }
    return [...this.#written].filter((content) => counts.get(content) !== 1);
  }

  async #ask(afterMs) {
    await delay(afterMs);
    for (let round = 0; !this.#isOver; round++) {
      const startedAt = performance.now();
      const content = round % 4 === 0 ? `write ${randomUUID()}` : undefined;
      const reads = [
        '/v1/auth/profile',
        `/v1/messages?conversation_id=${this.#conversation}&limit=1`,
        '/v1/storage/quota',
      ];
      const result = await (content
        ? this.#send('POST', '/v1/messages', { conversation_id: this.#conversation, content })
        : this.#send('GET', reads[round % 3]));
      this.durationsMs.push(performance.now() - startedAt);
      this.statuses.set(result, (this.statuses.get(result) ?? 0) + 1);
      if (result === 201 && content) this.#written.add(content);
      else if (result !== 200) this.failures.push(`${content ? 'write' : 'read'} ${result}`);
      await delay(Math.max(0, PERIOD_MS - (performance.now() - startedAt)));
    }
  }

  /** Resolves with the status, or what went wrong. */
  #send(method, path, body) {
    const text = body && JSON.stringify(body);
    const { promise, resolve } = Promise.withResolvers();
    const outgoing = request({
      host: this.url.hostname,
      port: this.url.port,
      agent: this.#agent,
      method,
      path,
      timeout: PATIENCE_MS,
      headers: {
        authorization: `Bearer ${this.user.token}`,
        ...(text && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      },
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', (error) => resolve(error.code ?? error.message));
    outgoing.on('response', (response) => {
      response.on('error', () => resolve('truncated'));
      response.on('end', () => resolve(response.complete ? response.statusCode : 'truncated'));
      response.resume();
    });
    outgoing.end(text);
    return promise;
  }

  /** Opens a socket anew whenever it is closed. */
  async #talk(afterMs) {
    await delay(afterMs);
    while (!this.#isOver) {
      const socket = new WebSocket(`ws://${this.url.host}/v1/ws/chat?conversation_id=${this.#conversation}`, {
        headers: { authorization: `Bearer ${this.user.token}` },
        handshakeTimeout: PATIENCE_MS,
      });
      this.#sockets.add(socket);
      const talk = setInterval(() => {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send(JSON.stringify({ type: 'message', content: 'spoken', client_id: randomUUID() }));
      }, MESSAGE_PERIOD_MS);
      socket.on('message', () => this.messages++);
      let opened = false;
      socket.on('open', () => {
        opened = true;
        if (this.#isOver) socket.close(1000);
      });
      socket.on('error', (error) => opened || this.failures.push(`handshake ${error.message}`));
      const code = await new Promise((resolve) => {
        socket.on('close', resolve);
      });
      clearInterval(talk);
      this.#sockets.delete(socket);
      if (opened && !this.#isOver) this.closes.set(code, (this.closes.get(code) ?? 0) + 1);
    }
  }
}
