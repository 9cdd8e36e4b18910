import { frame, OPCODE } from '../../fuzz/traffic/frames.mjs';
import { bodyOf } from '../bodies.mjs';

/** Weights of the kinds of `LENGTHS`. */
const WEIGHTS = { edge: 2, long: 1, short: 7 };

/** Lengths around which the head of a frame has another form, in bytes. */
const EDGES = [0, 1, 125, 126, 65_535, 65_536];

/** Lengths of messages in bytes, by their kind. */
const LENGTHS = {
  edge: (random) => random.pick(EDGES),
  short: (random) => random.int(0, 100),
  long: (random) => random.int(1_000, 60_000),
  huge: (random) => random.int(100_000, 200_000),
};

/** Shortest content that tells whose it is, in bytes. */
const TELLING_BYTES = 16;

/** Text has two bytes for each letter of this, if it has room for one. */
const LETTER = Buffer.from('\u00e9');

/** The messages of one direction of a relay: those that its one end has sent, and those that its other end has. */
export class RelayMessages {
  /** `{ length, isBinary }` of each; the first has the number 1. */
  sent = [];
  arrived = 0;
  /** The number of the last that has arrived. */
  last = 0;
  #name;

  /** @param name of the end that sends, of which the contents are made */
  constructor(name) {
    this.#name = name;
  }

  /** The next message to send. @param weights of the kinds of lengths @returns `{ isBinary, content }` */
  create(random, weights = WEIGHTS) {
    const length = LENGTHS[random.weighted(weights)](random);
    const isBinary = random.chance(0.5);
    this.sent.push({ length, isBinary });
    return { isBinary, content: this.#contentOf(this.sent.length) };
  }

  /** @returns whether a message was sent behind the last that has arrived: as it is, and once */
  arrive(message) {
    const number = this.#find(message, this.last + 1, this.sent.length);
    this.arrived++;
    this.last = number ?? this.last + 1;
    return number !== undefined;
  }

  /** Whether a message was sent, at any time, and is long enough to tell. */
  hasSent(message) {
    return message.content.length >= TELLING_BYTES && this.#find(message, 1, this.sent.length) !== undefined;
  }

  #find({ isBinary, content }, from, to) {
    for (let number = from; number <= to; number++) {
      const sent = this.sent[number - 1];
      const isAlike = sent.length === content.length && sent.isBinary === isBinary;
      if (isAlike && content.equals(this.#contentOf(number))) return number;
    }
    return undefined;
  }

  #contentOf(number) {
    const { length, isBinary } = this.sent[number - 1];
    const bytes = bodyOf(`message ${number} of ${this.#name}`, length);
    if (isBinary) return bytes;
    const text = Buffer.from(bytes.map((byte) => byte & 0x7f));
    if (length > LETTER.length) LETTER.copy(text);
    return text;
  }
}

/** The frames of a message: one, or a few. @param options of `frame` */
export function framesOf({ isBinary, content }, random, options) {
  const opcode = isBinary ? OPCODE.BINARY : OPCODE.TEXT;
  if (content.length < 2 || !random.chance(0.1)) return frame(opcode, content, options);
  const at = random.int(1, content.length - 1);
  return Buffer.concat([
    frame(opcode, content.subarray(0, at), { ...options, isFinal: false }),
    frame(OPCODE.CONTINUATION, content.subarray(at), options),
  ]);
}

/**
 * Lets an end read nothing for a while, shorter than the time in which a ping must have its pong.
 * @param share of the ends that do so @returns whether this one does
 */
export function pauseOnce(socket, random, share = 0) {
  if (!random.chance(share)) return false;
  setTimeout(() => socket.pause(), random.int(100, 1_500));
  setTimeout(() => socket.resume(), random.int(2_500, 3_500));
  return true;
}

/** Joins the frames of messages. */
export class Fragments {
  #opcode;
  #parts = [];

  /** @returns the message that a frame ends, `{ isBinary, content }`; undefined if more follow, or for another frame */
  push({ opcode, isFinal, payload }) {
    if (opcode > OPCODE.BINARY) return undefined;
    if (opcode !== OPCODE.CONTINUATION) this.#opcode = opcode;
    this.#parts.push(payload);
    if (!isFinal) return undefined;
    return { isBinary: this.#opcode === OPCODE.BINARY, content: Buffer.concat(this.#parts.splice(0)) };
  }
}
