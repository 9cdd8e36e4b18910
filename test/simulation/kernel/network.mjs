import { gatewayOf, partyAt } from './addresses.mjs';
import { Direction } from './direction.mjs';
import { currentProcess } from './process.mjs';
import { SimulatedSocket, systemError } from './socket.mjs';
import { Transmission } from './transmission.mjs';

/** Milliseconds that bytes are on their way, at least and at most. Each connection has a latency of its own. */
const LATENCY_MS = [1, 20];

/** The same for Redis, which stands near: a command has a timeout of some ten milliseconds. */
const REDIS_LATENCY_MS = [1, 2];

/**
 * A network in memory and in virtual time: who listens, and who dials. Addresses are `host:port`. What happens to a connection
 * depends on the seed and on its own number only.
 */
export class Network {
  /** Sockets that are open, both ends of each connection. */
  sockets = new Set();
  #servers = new Map();
  #connections = 0;
  #clock;
  #startsAt;
  #random;
  #trace;
  #transmission;

  constructor({ clock, random, trace }) {
    this.#clock = clock;
    this.#startsAt = clock.time;
    this.#random = random;
    this.#trace = trace;
    this.#transmission = new Transmission({ clock, trace, sockets: this.sockets });
  }

  /**
   * Accepts connections to an address.
   * @param server `accept(socket)`, `isListening`, and `process`; refuses connections while `isListening` is false
   * @returns stops
   */
  listen(address, server) {
    this.#servers.set(address, server);
    return () => {
      if (this.#servers.get(address) === server) this.#servers.delete(address);
    };
  }

  /**
   * Opens a connection, as `net.connect` does.
   * @param from the address that the server sees @param faults of the connection, see `#applyFaults`
   */
  connect({ host, port, allowHalfOpen, onread }, { from = '127.0.0.1', name, faults = {} } = {}) {
    const address = `${host}:${port}`;
    const number = ++this.#connections;
    const random = this.#random.fork(name ?? `connection ${number} to ${address}`);
    const dialler = name ?? gatewayOf(address);
    const latency = partyAt(address) === 'redis' ? REDIS_LATENCY_MS : LATENCY_MS;
    const client = this.#createSocket(`${dialler} to ${partyAt(address)} #${number}`, {
      allowHalfOpen,
      onread,
      random,
      latency,
      process: currentProcess.getStore(),
      address: { remoteAddress: host, remotePort: Number(port) },
    });
    client.connecting = true;
    client.dialled = address;
    client.isAccepted = false;
    client.dialledAt = this.#clock.time - this.#startsAt;
    this.#trace.note(client.id, `dials ${address}`);
    if (this.#servers.get(address)?.losesDialsUntil > this.#clock.time) {
      this.#trace.note(client.id, 'is lost');
      return client;
    }
    setTimeout(
      () => this.#establish(client, { address, number, dialler, random, latency, from, faults }),
      client.latencyMs,
    );
    return client;
  }

  #establish(client, { address, number, dialler, random, latency, from, faults }) {
    if (client.destroyed) return;
    const server = this.#servers.get(address);
    client.connecting = false;
    if (!server?.isListening) {
      this.#trace.note(client.id, 'is refused');
      client.destroy(systemError('ECONNREFUSED', 'connect'));
      return;
    }
    const accepted = this.#createSocket(`${partyAt(address)} to ${dialler} #${number}`, {
      allowHalfOpen: true,
      random,
      latency,
      process: server.process,
      address: { remoteAddress: from, remotePort: number },
    });
    accepted.dialled = address;
    accepted.isAccepted = true;
    client.otherEnd = accepted;
    accepted.otherEnd = client;
    this.#applyFaults(client.out, accepted.out, faults);
    this.#trace.note(client.id, 'is accepted');
    currentProcess.run(server.process, () => server.accept(accepted));
    client.emit('connect');
    client.startReading();
    client.emit('ready');
  }

  #createSocket(id, { random, latency, ...options }) {
    const socket = new SimulatedSocket(this.#transmission, id, options);
    socket.out = new Direction();
    socket.random = random;
    socket.latencyMs = random.int(...latency);
    this.sockets.add(socket);
    return socket;
  }

  /** Faults are `resetAfterSent` and `resetAfterReceived`, in bytes of the end that dials. */
  #applyFaults(out, back, { resetAfterSent = Infinity, resetAfterReceived = Infinity }) {
    out.resetAfter = resetAfterSent;
    back.resetAfter = resetAfterReceived;
  }

  /** Loses every dial of a server for a while: no connection stands, and none is refused. */
  loseDials(server, ms) {
    server.losesDialsUntil = this.#clock.time + ms;
  }

  /** Resets a connection now, as a machine between both ends may. */
  cut(socket) {
    this.#transmission.cut(socket);
  }

  /** Lets nothing of one end arrive for a while. */
  stall(socket, ms) {
    this.#transmission.stall(socket, ms);
  }
}
