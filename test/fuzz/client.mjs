import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { HOST } from '../faults/gateway.mjs';
import { frame, FrameReader, OPCODE } from './frames.mjs';
import { ResponseReader } from './message-reader.mjs';

/** How long a step waits for what it waits for, and a client for the end of its connection. */
const STEP_MS = 1_500;
const GO_AHEAD_MS = 150;
const ANSWER_MS = 8_000;
const QUIET_MS = 300;
const MOST_KEPT_BYTES = 8 * 1024 * 1024;

/** One connection of a client, which does what its plan says and keeps what it gets. */
export class Client {
  responses = [];
  informational = 0;
  /** Frames that came after a 101, without those that control the connection. */
  messages = [];
  closeFrame;
  /** How the gateway ended the connection: `end`, or the code of the error. */
  end;
  /** Whether this client has ended it itself, or has begun to. */
  hasLeft = false;
  #socket;
  #reader;
  #frames;
  #chunks = [];
  #kept = 0;
  #listeners = new Set();
  #lastByteAt = 0;
  #pings = [];
  /** A pong may not stand in the middle of another frame. */
  #isBetweenFrames = true;
  #note;

  /** @param note takes lines of the transcript */
  constructor(plan, note) {
    this.plan = plan;
    this.#note = note;
    this.#reader = new ResponseReader(plan.requests.map(({ method }) => method));
  }

  get received() {
    return Buffer.concat(this.#chunks);
  }

  /** What was wrong with the form of what came. */
  get fault() {
    return this.#reader.fault ?? this.#frames?.violation;
  }

  get isSwitched() {
    return this.#frames !== undefined;
  }

  /** Bytes of a response that has not come whole. */
  get hasOpenResponse() {
    return this.#reader.openHead !== undefined || (!this.isSwitched && this.#reader.rest.length > 0);
  }

  /** Plays the plan. Resolves once the connection is over, or held open until `release`. */
  async run(port, isOver) {
    await delay(this.plan.startMs);
    await this.#connect(port);
    for (const { bytes, delayMs, until, isLast } of this.plan.steps) {
      if (until) await this.#until(() => this.#holds(until), until.goAhead ? GO_AHEAD_MS : STEP_MS);
      if (delayMs > 0) await delay(delayMs);
      if (this.#socket.destroyed || !this.#socket.writable) break;
      this.#write(bytes);
      this.#isBetweenFrames = isLast;
      if (isLast) this.#sendPongs();
    }
    await this.#leave(isOver);
  }

  /** Ends a connection that was held open. */
  release() {
    this.hasLeft = true;
    this.#socket?.destroy();
  }

  async #connect(port) {
    this.#socket = connect({ port, host: HOST, allowHalfOpen: true });
    this.#socket
      .on('error', (error) => this.#ended(error.code ?? error.message))
      .on('connect', () => this.#changed())
      .on('data', (chunk) => this.#take(chunk))
      .on('end', () => this.#ended('end'))
      .on('close', () => this.#ended('close'));
    await this.#until(() => !this.#socket.connecting, STEP_MS);
    if (this.plan.readPauseMs > 0) {
      this.#socket.pause();
      setTimeout(() => this.#socket.resume(), this.plan.readPauseMs);
    }
  }

  #holds(until) {
    if (this.end !== undefined) return true;
    if (until.switched) return this.isSwitched || this.responses.length > 0;
    if (until.responses) return this.responses.length >= until.responses;
    return this.informational > 0 || this.responses.length >= until.goAhead;
  }

  async #leave(isOver) {
    const { way, by, afterMs } = this.plan.ending;
    if (way === 'hold') return;
    if (way === 'polite') await this.#leavePolitely();
    else if (way === 'halfClose') {
      await delay(afterMs);
      this.#endBy('fin');
    } else {
      await delay(afterMs);
      this.#endBy(by);
    }
    await this.#until(() => this.end !== undefined || isOver(), STEP_MS * 2);
    if (this.end === undefined || this.end === 'end') this.#endBy('destroy');
  }

  async #leavePolitely() {
    if (this.plan.kind === 'websocket') {
      await this.#until(
        () => this.isSwitched || this.responses.length > 0 || this.end !== undefined,
        ANSWER_MS,
      );
      if (!this.isSwitched) return this.#endBy('fin');
      await this.#untilQuiet();
      if (this.end === undefined && !this.closeFrame) {
        this.hasLeft = true;
        this.#write(this.plan.close);
      }
      await this.#until(() => this.end !== undefined, STEP_MS);
    } else {
      const isAnswered = () => this.responses.length >= this.plan.requests.length || this.end !== undefined;
      await this.#until(isAnswered, this.plan.isMutated ? STEP_MS : ANSWER_MS);
    }
    if (this.end === undefined || this.end === 'end') this.#endBy('fin');
  }

  /** Waits until nothing has come for a while, longer while messages of its own have not come back. */
  async #untilQuiet() {
    this.#lastByteAt = performance.now();
    const isQuiet = () => {
      const isWhole = this.messages.length >= this.plan.numbers.length;
      return performance.now() - this.#lastByteAt > (isWhole ? QUIET_MS : STEP_MS);
    };
    while (this.end === undefined && !isQuiet()) await delay(50);
  }

  #endBy(way) {
    this.hasLeft = true;
    if (this.#socket.destroyed) return;
    this.#note(`ends: ${way}`);
    if (way === 'fin') this.#socket.end();
    else if (way === 'reset') this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #write(bytes) {
    this.#note('sends', bytes);
    this.#socket.write(bytes);
  }

  #take(chunk) {
    this.#note('gets', chunk);
    this.#lastByteAt = performance.now();
    this.#kept += chunk.length;
    if (this.#kept > MOST_KEPT_BYTES) return this.#endBy('destroy');
    this.#chunks.push(chunk);
    if (this.#frames) this.#takeFrames(chunk);
    else this.#takeResponses(chunk);
    this.#changed();
  }

  #takeResponses(chunk) {
    this.#reader.push(chunk);
    for (let each = this.#reader.next(); each; each = this.#reader.next()) {
      if (each.isInformational) this.informational++;
      else this.responses.push(each);
      if (each.status !== 101) continue;
      this.#frames = new FrameReader(false);
      this.#takeFrames(this.#reader.rest);
      return;
    }
  }

  #takeFrames(chunk) {
    for (const { opcode, isFinal, payload } of this.#frames.push(chunk)) {
      if (opcode === OPCODE.PING) this.#pings.push(payload);
      else if (opcode === OPCODE.CLOSE) this.closeFrame = payload;
      else if (opcode !== OPCODE.PONG) this.#addMessage(opcode, isFinal, payload);
    }
    this.#sendPongs();
  }

  #addMessage(opcode, isFinal, payload) {
    if (opcode === OPCODE.CONTINUATION && this.messages.length > 0) {
      const last = this.messages.at(-1);
      last.payload = Buffer.concat([last.payload, payload]);
      last.isFinal = isFinal;
    } else {
      this.messages.push({ opcode, isFinal, payload });
    }
  }

  #sendPongs() {
    if (!this.#isBetweenFrames || !this.#socket.writable || this.plan.ending.way === 'hold') return;
    for (const payload of this.#pings.splice(0)) {
      this.#socket.write(frame(OPCODE.PONG, payload, { mask: Buffer.alloc(4) }));
    }
  }

  #ended(how) {
    if (this.end !== undefined) return;
    const last = this.isSwitched ? undefined : this.#reader.finish();
    if (last && how === 'end') this.responses.push(last);
    this.end = how;
    this.#note(`is ended: ${how}`);
    this.#changed();
  }

  #changed() {
    for (const listener of this.#listeners) listener();
  }

  /** Resolves once it holds, or after this time. */
  #until(holds, withinMs) {
    if (holds()) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers();
    const look = () => {
      if (!holds()) return;
      clearTimeout(timer);
      this.#listeners.delete(look);
      resolve();
    };
    const timer = setTimeout(() => {
      this.#listeners.delete(look);
      resolve();
    }, withinMs);
    this.#listeners.add(look);
    return promise;
  }
}
