import { ResponseReader } from '../../fuzz/traffic/message-reader.mjs';
import { bodyOf } from '../bodies.mjs';
import { Expectation } from './expectation.mjs';
import { chunked, headOf } from './request-bytes.mjs';

/** Milliseconds that a client waits for a response before it gives up; more than any timeout of the gateway. */
const RESPONSE_TIMEOUT_MS = 60_000;

/**
 * A client of the gateway that sends one request after another over a connection, as its plan says: in parts, slowly,
 * pipelined, or cut off at any byte. It checks every byte that comes back.
 */
export class Client {
  /** Whether all its requests have an outcome. */
  isDone = false;
  /** Since when it leaves its connection open, and sends nothing more. */
  idleSince;
  #world;
  #plan;
  #random;
  #socket;
  #gateway;
  #reader;
  /** Requests on the connection without their outcome, in their order. */
  #open = [];
  #bytesWritten = 0;
  #next = 0;
  /** Settles when the bytes of all requests so far are written. */
  #writing = Promise.resolve();
  #timer;

  /** @param plan see `plan.mjs` */
  constructor(world, plan) {
    this.id = plan.id;
    this.#world = world;
    this.#plan = plan;
    this.#random = world.random.fork(`client ${plan.id}`);
  }

  start() {
    setTimeout(() => this.#sendNext(), this.#plan.startAt + 1);
  }

  #sendNext() {
    const planned = this.#plan.requests[this.#next];
    if (!planned) {
      this.#finish();
      return;
    }
    this.#next++;
    if (!this.#socket || this.#socket.destroyed || this.#socket.writableEnded) this.#connect();
    const request = this.#world.ledger.addRequest({
      id: `${this.#plan.id}.${this.#next}`,
      client: this.#plan.id,
      user: this.#plan.session.user,
      network: this.#plan.network,
      socket: this.#socket,
      gateway: this.#gateway.number,
      life: this.#gateway.life,
      tokenId: this.#plan.session.tokenId,
      sessionId: this.#plan.session.sessionId,
      ...planned,
    });
    this.#open.push(request);
    this.#reader.expect(request.method);
    this.#writing = this.#writing.then(() => this.#write(request, planned));
    this.#waitFor(request);
    // The next request behind this one's last byte, without its response (RFC 9112, section 9.3.2).
    if (planned.isFollowed) this.#sendNext();
  }

  #connect() {
    const { network, gateways } = this.#world;
    this.#gateway =
      this.#random.pick(gateways.filter(({ state }) => state === 'up' || state === 'draining')) ??
      this.#random.pick(gateways);
    const name = `${this.#plan.id} connection ${this.#next}`;
    const [host, port] = this.#gateway.address.split(':');
    const socket = network.connect(
      { host, port, allowHalfOpen: true },
      { from: this.#plan.network, name, faults: this.#plan.faults?.[this.#next] },
    );
    socket.keepArrivals();
    this.#socket = socket;
    this.#bytesWritten = 0;
    const reader = (this.#reader = new ResponseReader([]));
    socket
      .on('data', (bytes) => this.#onData(socket, reader, bytes))
      .on('end', () => socket.end())
      .on('error', (error) => this.#note(`is reset: ${error.code}`))
      .on('close', () => this.#onClose(socket, reader));
  }

  async #write(request, { pauseMs = 0, parts = 1, cutAfter, isChunked }) {
    const { socket } = request;
    if (socket.destroyed || request.settledAt !== undefined) return;
    const head = headOf(request, request.isAnonymous ? undefined : this.#plan.session.token, isChunked);
    const body = bodyOf(request.id, request.bodyLength);
    request.start = this.#bytesWritten;
    request.responseStart = socket.bytesRead;
    request.isAlone = this.#open.length === 1;
    request.headEnd = request.start + head.length;
    const content = isChunked && body.length > 0 ? chunked(body) : body;
    this.#bytesWritten += head.length + content.length;
    request.end = this.#bytesWritten;
    if (request.expects) {
      request.expectation = new Expectation(this.#world, request);
      socket.write(head);
      if (!(await request.expectation.wait(request.expects))) return;
    }
    const bytes = request.expects ? content : Buffer.concat([head, content]);
    const whole = cutAfter === undefined ? bytes : bytes.subarray(0, Math.min(cutAfter, bytes.length - 1));
    const size = Math.ceil(whole.length / parts);
    for (let at = 0; at < whole.length; at += size) {
      if (at > 0 && pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (socket.destroyed || request.settledAt !== undefined) return;
      socket.write(whole.subarray(at, at + size));
    }
    request.isWritten = true;
    if (cutAfter !== undefined) {
      socket.isCutByClient = true;
      if (this.#random.chance(0.5)) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  #onData(socket, reader, bytes) {
    reader.push(bytes);
    for (let message = reader.next(); message; message = reader.next()) {
      if (message.isInformational) {
        this.#onInformational(message);
        continue;
      }
      this.#onResponse(message);
    }
    if (reader.fault) this.#violate('G1', `${this.#plan.id} got what is no response: ${reader.fault}`);
    else if (this.#open.length === 0 && reader.rest.length > 0)
      this.#violate('G1', `${this.#plan.id} got bytes behind the last response`);
    const { abortAtByte, pauseAtByte, pauseMs } = this.#plan.reading ?? {};
    if (abortAtByte !== undefined && socket.bytesRead >= abortAtByte) {
      socket.isCutByClient = true;
      socket.destroy();
    } else if (pauseAtByte !== undefined && socket.bytesRead >= pauseAtByte && !socket.hasPaused) {
      socket.hasPaused = true;
      socket.pause();
      setTimeout(() => socket.resume(), pauseMs);
    }
  }

  #onInformational({ status, first }) {
    if (status !== 100) return;
    const [request] = this.#open;
    if (request?.expectation) request.expectation.onContinue();
    else this.#violate('G1', `${this.#plan.id} got ${first}, and has not asked for it`);
  }

  #onResponse(message) {
    const request = this.#open.shift();
    if (!request) {
      this.#violate('G1', `${this.#plan.id} got a response that it has not asked for`);
      return;
    }
    this.#world.guarantees.onResponse(request, message);
    request.expectation?.onResponse(message);
    this.#settle(request, 'response', message.status);
    const isLast = /(?:^|\r\n)connection: close/i.test(message.text);
    if (!request.isWritten && !(isLast && request.expectation?.isWaiting)) {
      // What is left of the upload cannot be told from a next request: this client leaves.
      this.#socket.isCutByClient = true;
      this.#socket.destroy();
    } else if (isLast) {
      for (const each of this.#open) each.isAbandoned = true;
      this.#socket.end();
    }
    if (this.#open.length === 0) this.#think();
  }

  #onClose(socket, reader) {
    if (socket !== this.#socket) return;
    if (this.idleSince !== undefined) this.isDone = true;
    this.idleSince = undefined;
    // Who has read the end has read all: a reset behind it is not seen.
    const isClean = socket.readableEnded;
    const last = isClean ? reader.finish() : undefined;
    if (last && this.#open.length > 0) this.#onResponse(last);
    const rest = this.#open.splice(0);
    for (const [index, request] of rest.entries()) {
      if (index === 0 && (reader.openHead || reader.rest.length > 0)) request.isHalf = true;
      else if (index > 0) request.isAbandoned = true;
      const isCut = socket.isCutByClient || socket.isCutByNetwork;
      this.#settle(request, isCut ? 'cut' : 'closed');
    }
    this.#socket = undefined;
    if (rest.length > 0 || last) this.#think();
  }

  #settle(request, outcome, status) {
    clearTimeout(request.timeout);
    request.expectation?.stop();
    this.#world.ledger.settle(request, outcome, status);
    this.#world.guarantees.onSettled(request);
  }

  #waitFor(request) {
    request.timeout = setTimeout(() => {
      this.#violate(
        'G9',
        `${request.id} has waited for ${RESPONSE_TIMEOUT_MS} ms (${request.plans?.at(-1)?.kind})`,
      );
      request.socket.isCutByClient = true;
      request.socket.destroy();
    }, RESPONSE_TIMEOUT_MS);
  }

  #think() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#sendNext(),
      this.#plan.thinkMs[this.#next % this.#plan.thinkMs.length],
    );
  }

  #finish() {
    if (this.#open.length > 0) return;
    const socket = this.#socket;
    if (this.#plan.stays && socket?.writable && socket.readable) {
      this.idleSince = this.#world.ledger.now;
      return;
    }
    this.isDone = true;
    socket?.end();
  }

  #violate(guarantee, text) {
    this.#world.ledger.violate(guarantee, text);
  }

  #note(what) {
    this.#world.trace.note(this.#plan.id, what);
  }
}
