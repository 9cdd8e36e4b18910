import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { HOST } from '../../faults/gateway.mjs';
import { frame, OPCODE } from '../traffic/frames.mjs';
import { Received } from './received.mjs';

/** How long a step waits for what it waits for, and a client for the end of its connection. */
const STEP_MS = 1_500;
const GO_AHEAD_MS = 150;
/** Longer than the gateway's deadline for one request. */
const ANSWER_MS = 10_000;
const QUIET_MS = 300;
const MOST_KEPT_BYTES = 8 * 1024 * 1024;

/** One connection of a client, which does what its plan says and keeps what it gets. */
export class Client {
  /** How the gateway ended the connection: `end`, or the code of the error. */
  end;
  #socket;
  #listeners = new Set();
  #lastByteAt = 0;
  #bytes = 0;
  /** A pong may not stand in the middle of another frame. */
  #isBetweenFrames = true;
  #note;

  /** @param note takes lines of the transcript */
  constructor(plan, note) {
    this.plan = plan;
    this.#note = note;
    this.received = new Received(plan.requests.map(({ method }) => method));
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
      if (Number.isFinite(this.plan.readPauseMs)) {
        setTimeout(() => this.#socket.resume(), this.plan.readPauseMs);
      }
    }
  }

  #holds(until) {
    if (this.end !== undefined) return true;
    if (until.switched) return this.received.isSwitched || this.received.responses.length > 0;
    if (until.responses) return this.received.responses.length >= until.responses;
    return this.received.informational > 0 || this.received.responses.length >= until.goAhead;
  }

  async #leave(isOver) {
    const { way, by, afterMs } = this.plan.ending;
    if (way === 'hold') return;
    if (way === 'polite') await this.#leavePolitely();
    else {
      await delay(afterMs);
      this.#endBy(way === 'halfClose' ? 'fin' : by);
    }
    await this.#until(() => this.end !== undefined || isOver(), STEP_MS * 2);
    if (this.end === undefined || this.end === 'end') this.#endBy('destroy');
  }

  async #leavePolitely() {
    if (this.plan.kind === 'websocket') {
      await this.#until(
        () => this.received.isSwitched || this.received.responses.length > 0 || this.end !== undefined,
        ANSWER_MS,
      );
      if (!this.received.isSwitched) return this.#endBy('fin');
      await this.#untilQuiet();
      if (this.end === undefined && !this.received.closeFrame) {
        this.#write(this.plan.close);
      }
      await this.#until(() => this.end !== undefined, STEP_MS);
    } else {
      const isAnswered = () =>
        this.received.responses.length >= this.plan.requests.length || this.end !== undefined;
      await this.#untilOrSilent(isAnswered, this.plan.isMutated ? STEP_MS : ANSWER_MS);
    }
    if (this.end === undefined || this.end === 'end') this.#endBy('fin');
  }

  /** Waits until it holds, or nothing has come for this long: each request may take its time. */
  async #untilOrSilent(holds, silentMs) {
    this.#lastByteAt = performance.now();
    for (;;) {
      const leftMs = this.#lastByteAt + silentMs - performance.now();
      if (holds() || leftMs <= 0) return;
      await this.#until(holds, leftMs);
    }
  }

  /** Waits until nothing has come for a while, longer while messages of its own have not come back. */
  async #untilQuiet() {
    this.#lastByteAt = performance.now();
    const isQuiet = () => {
      const isWhole = this.received.messages.length >= this.plan.numbers.length;
      return performance.now() - this.#lastByteAt > (isWhole ? QUIET_MS : STEP_MS);
    };
    while (this.end === undefined && !isQuiet()) await delay(50);
  }

  #endBy(way) {
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
    this.#bytes += chunk.length;
    if (this.#bytes > MOST_KEPT_BYTES) return this.#endBy('destroy');
    this.received.push(chunk);
    this.#sendPongs();
    this.#changed();
  }

  #sendPongs() {
    if (!this.#isBetweenFrames || !this.#socket.writable || this.plan.ending.way === 'hold') return;
    for (const payload of this.received.pings.splice(0)) {
      this.#socket.write(frame(OPCODE.PONG, payload, { mask: Buffer.alloc(4) }));
    }
  }

  #ended(how) {
    if (this.end !== undefined) return;
    this.received.finish(how === 'end');
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
