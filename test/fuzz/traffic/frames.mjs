/** Opcodes of RFC 6455, section 5.2. */
export const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 };

/** One frame. @param mask four bytes where a client sends it */
export function frame(opcode, payload, { mask, isFinal = true, reserved = 0 } = {}) {
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const bit = mask ? 0x80 : 0;
  const { length } = payload;
  let head;
  if (length < 126) {
    head = Buffer.from([first, bit | length]);
  } else if (length < 65_536) {
    head = Buffer.from([first, bit | 126, length >> 8, length & 0xff]);
  } else {
    head = Buffer.alloc(10);
    head.set([first, bit | 127]);
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return mask ? Buffer.concat([head, mask, masked(payload, mask)]) : Buffer.concat([head, payload]);
}

export function closePayload(code, reason = '') {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}

function masked(payload, mask) {
  const copy = Buffer.from(payload);
  for (let index = 0; index < copy.length; index++) copy[index] ^= mask[index & 3];
  return copy;
}

/** Reads frames as they come. After a frame that no peer may send, `violation` says what was wrong. */
export class FrameReader {
  violation;
  #bytes = Buffer.alloc(0);
  #isMasked;

  /** @param isMasked whether the sender must mask: clients must, services and the gateway towards clients must not */
  constructor(isMasked) {
    this.#isMasked = isMasked;
  }

  /** The frames that are complete now, each as `{ opcode, isFinal, payload }`. */
  push(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const frames = [];
    for (let each = this.#take(); each; each = this.#take()) frames.push(each);
    return frames;
  }

  #take() {
    const bytes = this.#bytes;
    if (this.violation || bytes.length < 2) return undefined;
    const short = bytes[1] & 0x7f;
    const headLength = (short < 126 ? 2 : short === 126 ? 4 : 10) + (this.#isMasked ? 4 : 0);
    this.violation = this.#violationOf(bytes, short);
    if (this.violation || bytes.length < headLength) return undefined;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < headLength + length) return undefined;
    const payload = bytes.subarray(headLength, headLength + length);
    this.#bytes = bytes.subarray(headLength + length);
    return {
      opcode: bytes[0] & 0x0f,
      isFinal: (bytes[0] & 0x80) !== 0,
      payload: this.#isMasked ? masked(payload, bytes.subarray(headLength - 4, headLength)) : payload,
    };
  }

  #violationOf(bytes, short) {
    const opcode = bytes[0] & 0x0f;
    if ((bytes[0] & 0x70) !== 0) return 'reserved bits';
    if ((opcode > 2 && opcode < 8) || opcode > 10) return `opcode ${opcode}`;
    if (opcode > 7 && (short > 125 || (bytes[0] & 0x80) === 0))
      return 'control frame too long or in fragments';
    if (((bytes[1] & 0x80) !== 0) !== this.#isMasked) return this.#isMasked ? 'not masked' : 'masked';
    return undefined;
  }
}
