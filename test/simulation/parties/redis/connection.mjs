import { execute } from './executor.mjs';
import { ProtocolError, RequestParser } from './request-parser.mjs';
import { encode, OK, ReplyError } from './resp.mjs';

/** Most bytes that wait for a client to read them, as Redis allows subscribers. */
const MOST_OUTPUT_BYTES = 32 * 1024 * 1024;

/** One client of the stand-in. */
export class Connection {
  name = '';
  /** Index of the selected database. */
  database = 0;
  /** @type {2 | 3} */
  protocol = 2;
  /** Whether it is connected to the former primary, which has become a replica. */
  isReplica = false;
  channels = new Set();
  patterns = new Set();
  #isAuthenticated;
  #parser = new RequestParser();
  #server;
  #socket;
  /** Whether its process is stopped. */
  #isStopped = false;
  #isClosing = false;
  #isExecuting = false;
  /** Output of this turn: its bytes, and the pushes among them. */
  #output = { text: '', pushes: [] };
  /** Pushes that follow the reply. */
  #latePushes = [];
  /** Output that waits for its time: `{ dueAt, text, pushes }`. */
  #queue = [];
  #queuedBytes = 0;
  #timer;

  constructor(server, socket, id) {
    this.id = id;
    this.#server = server;
    this.#socket = socket;
    this.isAuthenticated = !server.passwords.has('default');
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('end', () => this.#close());
    socket.on('error', () => {});
    socket.on('close', () => this.#onClose());
    if (server.isStopped) this.stop();
  }

  get isAuthenticated() {
    return this.#isAuthenticated;
  }

  set isAuthenticated(value) {
    this.#isAuthenticated = this.#parser.isAuthenticated = value;
  }

  get socket() {
    return this.#socket;
  }

  get subscriptionCount() {
    return this.channels.size + this.patterns.size;
  }

  reply(value) {
    this.#output.text += encode(value, this.protocol);
  }

  /** A message of a channel. */
  push(push) {
    if (this.#isExecuting && this.#server.pushesFollowReplies) {
      this.#latePushes.push(push);
      return;
    }
    this.reply(push);
    this.#output.pushes.push(push);
  }

  /** QUIT. */
  quit() {
    this.#isClosing = true;
    return OK;
  }

  /** Reads and writes nothing from now on. */
  stop() {
    this.#isStopped = true;
    this.#socket.pause();
  }

  resume() {
    this.#isStopped = false;
    this.#socket.resume();
    this.#run();
    this.#drain();
  }

  /** Closes at once, as a process that is killed. */
  destroy() {
    this.#isClosing = true;
    this.#socket.destroy();
  }

  /** Writes the output of this turn, at once or when it is due. */
  flush() {
    const { text, pushes } = this.#output;
    if (text !== '') {
      const dueAt = Math.max(performance.now() + this.#server.delayMs, this.#queue.at(-1)?.dueAt ?? 0);
      this.#queue.push({ dueAt, text, pushes });
      this.#queuedBytes += text.length;
      this.#output = { text: '', pushes: [] };
      if (this.#queuedBytes + this.#socket.writableLength > MOST_OUTPUT_BYTES) this.destroy();
    }
    this.#drain();
  }

  #receive(chunk) {
    if (this.#isClosing) return;
    this.#parser.write(chunk);
    this.#run();
    this.#server.flush();
  }

  /** Runs the commands that have arrived. */
  #run() {
    while (!this.#isClosing && !this.#isStopped) {
      const args = this.#readCommand();
      if (args === undefined) return;
      this.#isExecuting = true;
      this.#server.onCommandOf(this, args);
      if (!this.#socket.destroyed) execute(this.#server, this, args);
      this.#isExecuting = false;
      for (const push of this.#latePushes.splice(0)) this.push(push);
    }
  }

  #readCommand() {
    try {
      return this.#parser.read();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.reply(new ReplyError(`ERR Protocol error: ${error.message}`));
      this.#isClosing = true;
      return undefined;
    }
  }

  #drain() {
    if (this.#isStopped || this.#socket.writableEnded || this.#socket.destroyed) return;
    const now = performance.now();
    while (this.#queue.length > 0 && this.#queue[0].dueAt <= now) {
      const { text, pushes } = this.#queue.shift();
      this.#queuedBytes -= text.length;
      this.#socket.write(text, 'latin1');
      for (const push of pushes) this.#server.onPushOf(this, push);
    }
    clearTimeout(this.#timer);
    if (this.#queue.length > 0) this.#timer = setTimeout(() => this.#drain(), this.#queue[0].dueAt - now);
    else if (this.#isClosing) this.#close();
  }

  /** Closes when all is written. */
  #close() {
    this.#isClosing = true;
    this.#socket.end(() => this.#socket.destroy());
  }

  #onClose() {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    this.#server.remove(this);
  }
}
