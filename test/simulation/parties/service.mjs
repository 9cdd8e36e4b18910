import { RequestReader } from '../../fuzz/traffic/message-reader.mjs';
import { bodyOf } from '../bodies.mjs';
import { planResponse } from './responses.mjs';
import { ServiceRelay } from './service-relay.mjs';

/** Networks in which each instance listens. */
const MOST_GATEWAYS = 9;

/** Milliseconds in which a request may be on its way to a service whose bytes are on their way back. */
const CROSSING_MS = 100;

/** With the character behind it: a head that has come in part may have a part of an id. */
const ID = /[?&]sim=([\w.-]+)[^\w.-]/;

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

  note(what) {
    this.#world.trace.note(`instance ${this.host}`, what);
  }
}

/** One connection of a gateway to an instance: reads requests strictly, and plays a response that is drawn for each. */
class ServiceConnection {
  #world;
  #instance;
  #socket;
  #reader = new RequestReader();
  /** The request that is being read or responded to. */
  #current;
  #hasServed = false;
  #isDraining = false;
  /** When it has sent bytes behind a response; undefined if it has not. */
  #showedExtraAt;
  #relay;
  #idleTimer;

  constructor(world, instance, socket) {
    this.#world = world;
    this.#instance = instance;
    this.#socket = socket;
    socket
      .on('data', (bytes) => this.#onData(bytes))
      .on('end', () => this.#onEnd())
      .on('error', () => {})
      .on('close', () => this.#onClose());
  }

  drain() {
    this.#isDraining = true;
    if (this.#relay) this.#relay.close(1012, 'restart');
    else if (!this.#current) this.#socket.end();
  }

  reset() {
    this.#socket.resetAndDestroy();
  }

  #onData(bytes) {
    if (this.#relay) {
      this.#relay.push(bytes);
      return;
    }
    clearTimeout(this.#idleTimer);
    this.#reader.push(bytes);
    this.#read();
  }

  #read() {
    if (this.#current?.isWhole) return;
    const message = this.#reader.next();
    if (this.#reader.fault) {
      this.#world.ledger.violate('G3', `a service got a malformed request: ${this.#reader.fault}`);
      this.reset();
      return;
    }
    const head = message ?? this.#reader.openHead;
    const text = head ? `${head.target} ` : this.#reader.rest.toString('latin1');
    if (text !== '' && !this.#current) this.#begin(text, head);
    if (!head || !this.#current) return;
    this.#onHead(head);
    this.#checkBody(message ? message.body : undefined, head);
    if (message) this.#onWhole(message);
    else if (this.#current.plan.isEarly) this.#respond();
  }

  #begin(text, head) {
    if (head && !ID.test(text)) {
      this.#current = { plan: { kind: 'health' }, isHealthCheck: true };
      return;
    }
    const [, id] = ID.exec(text) ?? [];
    if (id === undefined) return;
    const { ledger, scenario } = this.#world;
    this.#checkExtra(id);
    if (ledger.relays.has(id)) {
      this.#current = { id, random: this.#world.random.fork(`handshake ${this.#socket.id}`), plan: {} };
      return;
    }
    const arrival = {
      connection: this.#socket.id,
      instance: this.#instance.host,
      at: ledger.now,
      isHead: false,
      isReused: this.#hasServed,
    };
    const request = ledger.onArrival(id, arrival);
    const random = this.#world.random.fork(`response ${id} ${request?.arrivals.length}`);
    this.#current = { id, request, arrival, random, plan: planResponse(random, scenario, request) };
  }

  /** A connection that showed a byte too many is used no more, but by a request that was on its way. */
  #checkExtra(id) {
    const { ledger } = this.#world;
    if (ledger.now > this.#showedExtraAt + CROSSING_MS) {
      ledger.violate('G3', `${id} came over ${this.#socket.id}, which had shown bytes behind a response`);
    }
  }

  #onHead(head) {
    const { arrival, request } = this.#current;
    if (!arrival || arrival.isHead) return;
    arrival.isHead = true;
    this.#world.guarantees.onHead(request, arrival, head);
    this.#world.expiry.onHead(request);
  }

  #checkBody(body, head) {
    const { request } = this.#current;
    if (!request || body === undefined || head.get('upgrade')) return;
    if (!body.equals(bodyOf(request.id, request.bodyLength))) {
      this.#world.ledger.violate('G4', `the body of ${request.id} arrived with ${body.length} other bytes`);
    }
  }

  #onWhole(message) {
    this.#current.isWhole = true;
    if (message.get('upgrade')) this.#upgrade(message);
    else this.#respond();
  }

  #upgrade(message) {
    const { id, random } = this.#current;
    this.#relay = new ServiceRelay(this.#world, { socket: this.#socket, message, id, random });
    this.#relay.push(this.#reader.rest);
  }

  #respond() {
    if (this.#current.isResponding || this.#instance.isHung) return;
    this.#current.isResponding = true;
    void this.#play(this.#current);
  }

  async #play(current) {
    const { plan } = current;
    const steps = current.isHealthCheck
      ? [{ bytes: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') }]
      : plan.steps;
    for (const { waitMs = 0, bytes, ending } of steps) {
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (this.#socket.destroyed || this.#instance.isHung) return;
      if (bytes) this.#socket.write(bytes);
      if (ending === undefined) continue;
      if (ending === 'reset') this.reset();
      else if (ending === 'end') this.#socket.end();
      return;
    }
    if (plan.kind === 'extraBytes') this.#showedExtraAt ??= this.#world.ledger.now;
    current.isOut = true;
    await this.#whenWhole(current);
    if (this.#socket.destroyed || this.#current !== current) return;
    this.#next();
  }

  async #whenWhole(current) {
    while (!current.isWhole && !current.isHealthCheck && !this.#socket.destroyed) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #next() {
    this.#current = undefined;
    this.#hasServed = true;
    if (this.#isDraining || this.#world.scenario.closesConnections) {
      this.#socket.end();
      return;
    }
    // As most servers do: a connection that is not used is closed, and may be in use at that moment.
    this.#idleTimer = setTimeout(() => this.#socket.end(), this.#world.scenario.serviceKeepAliveMs ?? 5_000);
    this.#read();
  }

  #onEnd() {
    if (this.#relay) this.#relay.onEnd();
    else if (!this.#current || this.#current.isOut) this.#socket.end();
    else this.#socket.destroy();
  }

  #onClose() {
    clearTimeout(this.#idleTimer);
    this.#relay?.onClose();
  }
}
