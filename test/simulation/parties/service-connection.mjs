import { RequestReader } from '../../fuzz/traffic/message-reader.mjs';
import { bodyOf } from '../bodies.mjs';
import { planResponse } from './responses.mjs';
import { ServiceRelay } from './service-relay.mjs';

/** Milliseconds in which a request may be on its way to a service whose bytes are on their way back. */
const CROSSING_MS = 100;

/** Milliseconds after which a service closes a connection that is not used. */
const KEEP_ALIVE_MS = 5_000;

/** With the character behind it: a head that has come in part may have a part of an id. */
const ID = /[?&]sim=([\w.-]+)[^\w.-]/;

/** One connection of a gateway to an instance: reads requests strictly, and plays a response that is drawn for each. */
export class ServiceConnection {
  #world;
  #instance;
  #socket;
  #reader = new RequestReader();
  /** The request that is being read or responded to. */
  #current;
  #hasServed = false;
  /** Bytes that it has taken of the connection. */
  #bytesRead = 0;
  /** Those of them before the request that is read. */
  #start = 0;
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

  /** The stage in which the gateway waits for this end, `{ stage, since, id }`; undefined if it does not. */
  get wait() {
    const { id, request, plan, wholeAt, wroteAt, isOut, isHealthCheck } = this.#current ?? {};
    if (this.#relay) return this.#relay.wait;
    // Bytes that are stalled, or wait for a client that reads nothing, come later.
    if (wholeAt === undefined || isOut || this.#socket.out.stalledUntil > 0) return undefined;
    if (isHealthCheck) return { stage: 'health check', since: wholeAt, id: this.#socket.id };
    if (wroteAt === undefined) return { stage: 'response headers', since: wholeAt, id };
    if (request?.socket.hasPaused) return undefined;
    const stage = plan.kind === 'events' ? 'event stream' : 'response body';
    return { stage, since: Math.max(wroteAt, wholeAt), id };
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
    if (!this.#current) this.#start = this.#bytesRead - this.#reader.rest.length;
    this.#bytesRead += bytes.length;
    this.#reader.push(bytes);
    this.#read();
    if (this.#current?.pauseMs) this.#pause(this.#current);
  }

  /** Reads nothing for a while, in the middle of a request. */
  #pause(current) {
    this.#socket.pause();
    setTimeout(() => this.#socket.resume(), current.pauseMs);
    current.pauseMs = 0;
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
      socket: this.#socket,
      start: this.#start,
      responseStart: this.#socket.bytesWritten,
    };
    const request = ledger.onArrival(id, arrival);
    const random = this.#world.random.fork(`response ${id} ${request?.arrivals.length}`);
    this.#current = { id, request, arrival, random, plan: planResponse(random, scenario, request) };
    if (random.chance(scenario.servicePauses ?? 0)) this.#current.pauseMs = random.int(1_000, 4_000);
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
    this.#current.wholeAt = this.#world.ledger.now;
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
      if (bytes) {
        this.#socket.write(bytes);
        current.wroteAt = this.#world.ledger.now;
      }
      if (ending === undefined) continue;
      this.#endBy(ending);
      return;
    }
    if (plan.kind === 'extraBytes') this.#showedExtraAt ??= this.#world.ledger.now;
    current.isOut = true;
    await this.#whenWhole(current);
    if (this.#socket.destroyed || this.#current !== current) return;
    this.#next();
  }

  #endBy(ending) {
    if (ending === 'reset') this.reset();
    else if (ending === 'end') this.#socket.end();
  }

  async #whenWhole(current) {
    while (!current.isWhole && !current.isHealthCheck && !this.#socket.destroyed) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #next() {
    const { arrival } = this.#current;
    if (arrival) arrival.responseEnd = this.#socket.bytesWritten;
    this.#current = undefined;
    this.#hasServed = true;
    if (this.#isDraining || this.#world.scenario.closesConnections) {
      this.#socket.end();
      return;
    }
    // The next request may have come already.
    this.#read();
    if (this.#current) return;
    clearTimeout(this.#idleTimer);
    // As most servers do: a connection that is not used is closed, and may be in use at that moment.
    this.#idleTimer = setTimeout(() => this.#socket.end(), KEEP_ALIVE_MS);
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
