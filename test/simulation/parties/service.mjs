import { ServiceConnection } from './service-connection.mjs';

/** Networks in which each instance listens. */
const MOST_GATEWAYS = 9;

/** One instance of a service: its process may restart, be killed, or hang. */
export class Instance {
  isListening = true;
  /** Whether it takes bytes and sends none. */
  isHung = false;
  connections = new Set();
  #world;

  /** @param host the last part of its address in the network of each gateway */
  constructor(world, host) {
    this.#world = world;
    this.host = host;
    for (let gateway = 1; gateway <= MOST_GATEWAYS; gateway++)
      world.network.listen(`10.${gateway}.1.${host}:80`, this);
  }

  accept(socket) {
    const connection = new ServiceConnection(this.#world, this, socket);
    this.connections.add(connection);
    socket.once('close', () => this.connections.delete(connection));
  }

  /** Ends as a good service: no new connection, idle ones are closed, requests in progress finish. */
  terminate() {
    this.note('gets SIGTERM');
    this.isListening = false;
    for (const connection of this.connections) connection.drain();
  }

  kill() {
    this.note('is killed');
    this.isListening = false;
    this.isHung = false;
    for (const connection of this.connections) connection.reset();
  }

  start() {
    this.note('starts');
    for (const connection of this.connections) connection.reset();
    this.isListening = true;
    this.isHung = false;
  }

  hang() {
    this.note('hangs');
    this.isHung = true;
  }

  /** What gateways wait for: see `guarantees/waits.mjs`. */
  get waits() {
    return [...this.connections].flatMap(({ wait }) => wait ?? []);
  }

  note(what) {
    this.#world.trace.note(`instance ${this.host}`, what);
  }
}
