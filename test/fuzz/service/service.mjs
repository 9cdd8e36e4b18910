import { once } from 'node:events';
import { createServer } from 'node:net';
import { HOST } from '../../faults/gateway.mjs';
import { ServiceConnection } from './connection.mjs';

/**
 * A fake service: a plain TCP server, which answers each request as the seed says. What it does with a request
 * depends on the request's id and on how often it has come, and on nothing else.
 */
export class Service {
  /** Requests that it has seen, by id: how often, and with which method. */
  seen = new Map();
  connections = new Set();
  #server;
  #count = 0;
  #healthChecks = 0;

  /** @param isStrict whether it never lies @param context what the run shares: random, ids, scenario, report, note */
  constructor(name, isStrict, context) {
    this.name = name;
    this.isStrict = isStrict;
    this.context = context;
  }

  async start() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new ServiceConnection(socket, `${this.name}#${++this.#count}`, this);
      this.connections.add(connection);
      socket.once('close', () => this.connections.delete(connection));
    });
    this.#server.listen({ host: HOST, port: 0, backlog: 1_024 });
    await once(this.#server, 'listening');
    this.url = `http://${HOST}:${this.#server.address().port}`;
  }

  /** A generator for the answer to this request: another one each time that the same id comes. */
  randomFor({ id, method }) {
    const { random } = this.context;
    if (id === undefined) return random.fork(`health/${this.name}/${++this.#healthChecks}`);
    const entry = this.seen.get(id) ?? { count: 0, method };
    entry.count++;
    this.seen.set(id, entry);
    return random.fork(`answer/${id}/${entry.count}`);
  }

  /** Forgets what a batch has done, and ends the connections that were held open. */
  reset() {
    this.seen.clear();
    for (const connection of this.connections) connection.release();
  }

  close() {
    this.#server.close();
    for (const connection of this.connections) connection.destroy();
  }
}
