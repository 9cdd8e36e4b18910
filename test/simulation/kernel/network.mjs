import { gatewayOf, partyAt } from './addresses.mjs';
import { Direction } from './direction.mjs';
import { currentProcess } from './process.mjs';
import { SimulatedSocket, systemError } from './socket.mjs';

/** Bytes that one direction of a connection holds before its writer must wait: both kernels' buffers together. */
const WINDOW_BYTES = 64 * 1024;

/** Bytes of a segment: a kernel waits for room for one (RFC 9293, section 3.8.6.2.1). */
const SEGMENT_BYTES = 1_460;

/** Milliseconds that bytes are on their way, at least and at most. Each connection has a latency of its own. */
const LATENCY_MS = [1, 20];

/** The same for Redis, which stands near: a command has a timeout of some ten milliseconds. */
const REDIS_LATENCY_MS = [1, 2];

/** The share of writes that arrive in two parts. */
const SPLIT_SHARE = 0.3;

/** The share of resets that overtake the bytes before them, which are lost. The others arrive behind them. */
const OVERTAKING_SHARE = 0.5;

/**
 * A network in memory and in virtual time. Addresses are `host:port`. Bytes arrive in order, late, split or joined; a connection
 * may be reset at any byte, or stall. What happens to a connection depends on the seed and on its own number only.
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

  constructor({ clock, random, trace }) {
    this.#clock = clock;
    this.#startsAt = clock.time;
    this.#random = random;
    this.#trace = trace;
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
    const socket = new SimulatedSocket(this, id, options);
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

  send(socket, bytes, done) {
    // A copy: the writer may use the memory again.
    socket.out.writes.push({ bytes: Buffer.from(bytes), done });
    this.#pump(socket);
  }

  sendEnd(socket) {
    this.#later(socket, () => {
      if (socket.out.isLost || socket.otherEnd.isReset) return;
      this.#trace.note(socket.id, 'ends');
      socket.otherEnd.arrive(null);
    });
  }

  /** Node has read bytes of this end: there is room for more. */
  onRead(socket) {
    const { otherEnd } = socket;
    if (otherEnd && !otherEnd.destroyed) this.#pump(otherEnd);
  }

  /** Resets a connection now, as a machine between both ends may. */
  cut(socket) {
    this.#trace.note(socket.id, 'is cut');
    for (const end of [socket, socket.otherEnd]) {
      if (!end || end.destroyed) continue;
      end.isCutByNetwork = true;
      end.receiveReset(end.random.chance(OVERTAKING_SHARE));
    }
  }

  /** Loses every dial of a server for a while: no connection stands, and none is refused. */
  loseDials(server, ms) {
    server.losesDialsUntil = this.#clock.time + ms;
  }

  /** Lets nothing of one end arrive for a while. */
  stall(socket, ms) {
    this.#trace.note(socket.id, `stalls for ${ms} ms`);
    socket.out.stalledUntil = this.#clock.time + ms;
  }

  onDestroyed(socket) {
    this.sockets.delete(socket);
    const { otherEnd } = socket;
    this.dropWrites(socket);
    if (!otherEnd || otherEnd.destroyed || socket.isReset) return;
    if (socket.resetsOnDestroy || socket.hasUnreadBytes) this.#resetOther(socket);
    else if (!socket.hasEnded) {
      socket.hasEnded = true;
      this.sendEnd(socket);
    }
  }

  /** Writes that wait for room are never sent. */
  dropWrites({ out }) {
    for (const { done } of out.writes.splice(0)) done(systemError('ECONNRESET', 'write'));
  }

  #resetOther(socket) {
    const { out } = socket;
    if (out.hasSentReset) return;
    out.hasSentReset = true;
    out.isLost = socket.random.chance(OVERTAKING_SHARE);
    this.#later(socket, () => {
      const { otherEnd } = socket;
      if (otherEnd.destroyed) return;
      this.#trace.note(otherEnd.id, 'gets a reset');
      otherEnd.receiveReset(out.isLost);
    });
  }

  #pump(socket) {
    const { out, otherEnd, random } = socket;
    while (out.writes.length > 0) {
      const [first] = out.writes;
      const room = WINDOW_BYTES - out.bytesOnTheWay - otherEnd.arrivedBytes;
      if (room < Math.min(first.bytes.length, SEGMENT_BYTES)) return;
      let length = Math.min(room, first.bytes.length);
      if (length > 1 && random.chance(SPLIT_SHARE)) length = random.int(1, length - 1);
      const isCut = out.bytesSent + length > out.resetAfter;
      if (isCut) length = out.resetAfter - out.bytesSent;
      this.#carry(socket, first.bytes.subarray(0, length));
      first.bytes = first.bytes.subarray(length);
      if (isCut) {
        out.resetAfter = Infinity;
        this.#later(socket, () => this.cut(socket));
      }
      if (first.bytes.length > 0) continue;
      out.writes.shift();
      currentProcess.run(socket.process, first.done);
    }
  }

  #carry(socket, bytes) {
    if (bytes.length === 0) return;
    const { out, random } = socket;
    out.bytesSent += bytes.length;
    out.bytesOnTheWay += bytes.length;
    const arrival = out.join(bytes, random);
    const { parts } = arrival;
    arrival.timer = this.#later(socket, () => {
      if (out.last === arrival) out.last = undefined;
      this.#bring(socket, parts.length === 1 ? bytes : Buffer.concat(parts));
    });
    out.last = arrival;
  }

  #bring(socket, bytes) {
    const { out, otherEnd } = socket;
    out.bytesOnTheWay -= bytes.length;
    if (out.isLost || otherEnd.isReset) return;
    this.#trace.note(socket.id, `brings ${bytes.length} bytes`);
    out.bytesArrived += bytes.length;
    out.arrivals?.push([out.bytesArrived, this.#clock.time - this.#startsAt]);
    // Nobody is there to read them: TCP answers with a reset.
    if (otherEnd.destroyed) this.#resetOther(otherEnd);
    else otherEnd.arrive(bytes);
  }

  /** Runs when what a socket sends now arrives. */
  #later(socket, run) {
    const { out } = socket;
    const { time } = this.#clock;
    out.last = undefined;
    out.lastArrival = Math.max(out.lastArrival, out.stalledUntil, time + socket.latencyMs);
    return setTimeout(() => run(), out.lastArrival - time);
  }
}
