import { setTimeout as delay } from 'node:timers/promises';
import { planAnswer } from './answers.mjs';
import { FrameReader, OPCODE, frame } from '../traffic/frames.mjs';
import { isCheck } from '../traffic/ids.mjs';
import { planHandshake } from './handshake-answers.mjs';
import { RequestReader } from '../traffic/message-reader.mjs';

const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS']);
const OPEN_ROUTES = /^\/(?:v1\/auth\/(?:login|register)|v1\/storage\/objects\/|health)/;

/** One connection of the gateway to a fake service. */
export class ServiceConnection {
  #socket;
  #name;
  #service;
  #reader = new RequestReader();
  #frames;
  #socketPlan;
  #messages = 0;
  #owner;
  /** The request that is being read or answered. */
  #current;
  #isUpgrade = false;
  #isHeld = false;
  /** Bytes behind a response, which it has shown, and the requests that came after them. */
  #tooMuch;

  constructor(socket, name, service) {
    this.#socket = socket;
    this.#name = name;
    this.#service = service;
    socket
      .on('error', (error) => this.#note(`is reset: ${error.code}`))
      .on('data', (chunk) => this.#take(chunk))
      .on('end', () => this.#onEnd())
      .on('close', () => this.#note('is closed'));
  }

  /** Ends a connection that was held open. */
  release() {
    if (this.#isHeld || this.#socket.readableEnded) this.#socket.destroy();
  }

  destroy() {
    this.#socket.destroy();
  }

  #onEnd() {
    this.#note('gets: end');
    if (!this.#isHeld) this.#socket.end();
  }

  #take(chunk) {
    this.#note('gets', chunk);
    if (this.#frames) this.#takeFrames(chunk);
    else if (!this.#isHeld) this.#takeRequests(chunk);
  }

  #takeRequests(chunk) {
    const current = this.#current;
    if (current?.isComplete && !current.isOut && current.plan.isFramed) {
      this.#report('a request came before the response to the one before was out', current.id);
    }
    this.#reader.push(chunk);
    this.#pump();
  }

  /** Reads on, up to the end of one request, until that one is answered. */
  #pump() {
    if (this.#current?.isComplete) return;
    const message = this.#reader.next();
    if (this.#reader.fault) {
      this.#report('a service got a malformed request', this.#reader.fault);
      this.#socket.destroy();
      return;
    }
    const head = message ?? this.#reader.openHead;
    if (!head) return;
    this.#current ??= this.#begin(head);
    if (message) this.#complete(message);
    if (message || this.#current.plan.isEarly) this.#answer(this.#current);
  }

  /** A request's head is there: its answer is drawn. */
  #begin(head) {
    this.#checkUse(head);
    const { ids, scenario } = this.#service.context;
    const id = ids.firstIn(head.get('x-request-id')) ?? ids.firstIn(head.target);
    const key = head.target === '/health' ? undefined : (id ?? head.text);
    const random = this.#service.randomFor({ id: key, method: head.method });
    this.#isUpgrade = head.get('upgrade')?.toLowerCase() === 'websocket';
    const isStrict = this.#service.isStrict || (id !== undefined && isCheck(id));
    const request = { id: id ?? 'none', method: head.method, get: head.get, isStrict };
    const plan = (this.#isUpgrade ? planHandshake : planAnswer)(random, scenario(), request);
    const entry = this.#service.seen.get(key);
    if (entry) Object.assign(entry, { plan, isNamed: id !== undefined && head.get('x-request-id') === id });
    this.#note(`answers ${id ?? head.first}: ${plan.kind}, then ${plan.after}`);
    this.#checkHead(head, id);
    if (plan.deafMs) this.#stopReading(plan.deafMs);
    return { id: id ?? head.first, text: head.text, plan, isComplete: false, isOut: false, isPlayed: false };
  }

  #stopReading(ms) {
    this.#socket.pause();
    if (Number.isFinite(ms)) setTimeout(() => this.#socket.resume(), ms);
    else this.#isHeld = true;
  }

  #checkUse(head) {
    if (this.#isUpgrade) this.#report('a connection of a handshake was used again', head.first);
    const tooMuch = this.#tooMuch;
    if (tooMuch === undefined) return;
    tooMuch.uses++;
    // One may have been on its way already.
    if (tooMuch.uses === 1 && tooMuch.mayCross) return;
    const shown = JSON.stringify(tooMuch.bytes.toString('latin1', 0, 40));
    this.#report('a connection that showed a byte too many was used again', `${shown}, then ${head.first}`);
  }

  #checkHead({ text, target, method, get }, id) {
    if (!OPEN_ROUTES.test(target) && get('authorization') === undefined) {
      this.#report('a request came without its token', text.slice(0, 300));
    }
    if (this.#service.seen.get(id)?.count > 1 && !REPEATABLE.has(method)) {
      this.#report('a request that is not safe was sent twice', `${method} ${id}`);
    }
  }

  /** All ids of one request, or of one socket, are those of one client. */
  #checkIds(bytes, owner) {
    const owners = new Set(this.#service.context.ids.in(bytes).map((each) => each.owner));
    if (owner !== undefined) owners.add(owner);
    if (owners.size > 1)
      this.#report('a service got bytes of two clients in one request', [...owners].join(' and '));
    return [...owners][0];
  }

  #complete(message) {
    this.#current.isComplete = true;
    const owner = this.#checkIds(message.text);
    this.#checkIds(message.body, owner);
    this.#owner = owner;
  }

  #answer(current) {
    if (current.isBegun) return this.#finish(current);
    current.isBegun = true;
    this.#play(current).catch((error) => this.#report('the fuzzer failed', error.stack));
  }

  async #play(current) {
    const { plan } = current;
    const last = plan.parts.length - 1;
    for (const [index, { bytes, delayMs }] of plan.parts.entries()) {
      if (delayMs > 0) await delay(delayMs);
      if (!this.#socket.writable) break;
      // Before the write, as the next request may come at once.
      if (index === last - (plan.isLater ? 1 : 0)) current.isOut = true;
      if (index === last) this.#beforeLast(plan);
      this.#write(bytes);
    }
    await this.#end(plan.after, plan.afterMs ?? 0);
    current.isPlayed = true;
    this.#finish(current);
  }

  #beforeLast({ tooMuch, isLater, socket }) {
    if (tooMuch) this.#tooMuch = { bytes: tooMuch, uses: 0, mayCross: Boolean(isLater) };
    if (socket) this.#switch(socket);
  }

  #finish(current) {
    if (!current.isComplete || !current.isPlayed || this.#frames || this.#isHeld) return;
    this.#current = undefined;
    this.#pump();
  }

  #switch(plan) {
    this.#frames = new FrameReader(true);
    this.#socketPlan = plan;
    if (plan.afterMs !== undefined && plan.kind !== 'echo') setTimeout(() => this.#disturb(), plan.afterMs);
    this.#takeFrames(this.#reader.rest);
  }

  #takeFrames(chunk) {
    for (const { opcode, isFinal, payload } of this.#frames.push(chunk)) {
      this.#checkIds(payload, this.#owner);
      if (opcode === OPCODE.PING) this.#write(frame(OPCODE.PONG, payload));
      else if (opcode === OPCODE.CLOSE) this.#close(payload);
      else if (opcode !== OPCODE.PONG) {
        this.#write(frame(opcode, payload, { isFinal }));
        if (++this.#messages === this.#socketPlan.afterMessages) this.#disturb();
      }
    }
    if (this.#frames.violation)
      this.#report('a service got a frame that no client may send', this.#frames.violation);
  }

  #close(payload) {
    this.#write(frame(OPCODE.CLOSE, payload));
    void this.#end('fin', 0);
  }

  /** Does, once, what its plan has beside echoes. */
  #disturb() {
    const plan = this.#socketPlan;
    if (plan.kind === 'echo' || plan.isDone) return;
    plan.isDone = true;
    this.#note(`disturbs its socket: ${plan.kind}`);
    if (plan.bytes.length > 0) this.#write(plan.bytes);
    void this.#end(plan.after, 0);
  }

  async #end(way, afterMs) {
    if (way === 'keep') return;
    if (way === 'hold') {
      this.#isHeld = true;
      return;
    }
    if (afterMs > 0) await delay(afterMs);
    if (this.#socket.destroyed) return;
    this.#note(`ends: ${way}`);
    if (way === 'fin') this.#socket.end();
    else this.#socket.resetAndDestroy();
  }

  #write(bytes) {
    if (!this.#socket.writable) return;
    this.#note('sends', bytes);
    this.#socket.write(bytes);
  }

  #note(text, bytes) {
    this.#service.context.note(this.#name, text, bytes);
  }

  #report(what, detail) {
    this.#service.context.report(what, `${this.#name}: ${detail}`);
  }
}
