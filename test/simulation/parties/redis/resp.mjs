/** A reply that is one line, such as `+OK`. */
export class SimpleString {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  encode() {
    return `+${this.text}\r\n`;
  }
}

/** An error reply. Its text begins with the code. */
export class ReplyError extends Error {
  name = 'ReplyError';

  encode() {
    return `-${this.message.replaceAll(/[\r\n]/g, ' ')}\r\n`;
  }
}

/** A text for people: a verbatim string in RESP3, a bulk string in RESP2. */
export class Verbatim {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  encode(protocol) {
    return protocol === 3 ? `=${this.text.length + 4}\r\ntxt:${this.text}\r\n` : encode(this.text, protocol);
  }
}

/** A message that is no reply: a push in RESP3, an array in RESP2. */
export class Push {
  /** @param {readonly unknown[]} items */
  constructor(items) {
    this.items = items;
  }

  encode(protocol) {
    return encodeItems(protocol === 3 ? '>' : '*', this.items, protocol);
  }
}

export const OK = new SimpleString('OK');

/**
 * The bytes of a reply, as a binary string (one character for each byte).
 *
 * A string is a bulk string, a number or bigint an integer, `null` the null, an array an array, a `Map` a map.
 * @param {2 | 3} protocol
 * @returns {string}
 */
export function encode(reply, protocol) {
  if (typeof reply === 'string') return `$${reply.length}\r\n${reply}\r\n`;
  if (typeof reply === 'number' || typeof reply === 'bigint') return `:${reply}\r\n`;
  if (reply === null) return protocol === 3 ? '_\r\n' : '$-1\r\n';
  if (Array.isArray(reply)) return encodeItems('*', reply, protocol);
  if (reply instanceof Map) return encodeMap(reply, protocol);
  return reply.encode(protocol);
}

function encodeMap(map, protocol) {
  const items = [...map].flat(1);
  if (protocol === 2) return encodeItems('*', items, protocol);
  return `%${map.size}\r\n${items.map((item) => encode(item, protocol)).join('')}`;
}

function encodeItems(type, items, protocol) {
  return `${type}${items.length}\r\n${items.map((item) => encode(item, protocol)).join('')}`;
}
