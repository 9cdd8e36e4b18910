import { FrameReader, OPCODE } from '../traffic/frames.mjs';
import { ResponseReader } from '../traffic/message-reader.mjs';

/** What a client has got over its connection: responses, and frames once it was switched to a WebSocket. */
export class Received {
  responses = [];
  informational = 0;
  /** Messages of the socket, each with its whole payload. */
  messages = [];
  /** Payloads of pings that were not answered yet. */
  pings = [];
  closeFrame;
  #reader;
  #frames;
  #chunks = [];

  /** @param methods of the client's requests, in their order */
  constructor(methods) {
    this.#reader = new ResponseReader(methods);
  }

  get bytes() {
    return Buffer.concat(this.#chunks);
  }

  /** What was wrong with the form of the bytes. */
  get fault() {
    return this.#reader.fault ?? this.#frames?.violation;
  }

  get isSwitched() {
    return this.#frames !== undefined;
  }

  push(chunk) {
    this.#chunks.push(chunk);
    if (this.#frames) this.#takeFrames(chunk);
    else this.#takeResponses(chunk);
  }

  /** The connection has ended. @param isClean whether without a reset */
  finish(isClean) {
    if (this.isSwitched || !isClean) return;
    const last = this.#reader.finish();
    if (last) this.responses.push(last);
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
      if (opcode === OPCODE.PING) this.pings.push(payload);
      else if (opcode === OPCODE.CLOSE) this.closeFrame = payload;
      else if (opcode !== OPCODE.PONG) this.#addMessage(opcode, isFinal, payload);
    }
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
}
