/** Most bytes of one argument. Redis allows 512 MiB. */
const MOST_BULK_BYTES = 1024 * 1024;

/** Most bytes of all arguments of one command. */
const MOST_COMMAND_BYTES = 8 * 1024 * 1024;

/** Bytes that each argument counts beside its own. */
const ARGUMENT_BYTES = 16;

/** Most bytes of a line: an inline command, or a length. */
const MOST_LINE_BYTES = 64 * 1024;

const MOST_ARGUMENTS = 1024 * 1024;

/** Bounds before authentication. */
const MOST_ARGUMENTS_UNAUTHENTICATED = 10;
const MOST_BULK_BYTES_UNAUTHENTICATED = 16_384;

/** The client sent bytes that are no command. The message is the reply without its code. */
export class ProtocolError extends Error {
  name = 'ProtocolError';
}

/**
 * Reads commands from the bytes of a connection, which may be split anywhere. Commands are arrays of bulk strings or
 * inline lines. Arguments are binary strings: one character for each byte.
 */
export class RequestParser {
  isAuthenticated = true;
  #chunks = [];
  /** Bytes in `#chunks`. */
  #size = 0;
  /** The command that is being read: its arguments so far, how many it has, and their bytes. */
  #arguments;
  #count = 0;
  #bytes = 0;
  /** Length of the argument that is being read. */
  #length = -1;

  /** @param {Buffer} chunk */
  write(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /**
   * The next command; undefined until more bytes come.
   * @returns {string[] | undefined}
   * @throws {ProtocolError} after which the connection must be closed
   */
  read() {
    for (;;) {
      if (this.#arguments === undefined) {
        const line = this.#readLine('too big inline request');
        if (line === undefined) return undefined;
        const command = line.startsWith('*') ? this.#begin(line) : splitInline(line);
        if (command?.length > 0) return command;
      } else if (!this.#readArgument()) {
        return undefined;
      } else if (this.#arguments.length === this.#count) {
        const command = this.#arguments;
        this.#arguments = undefined;
        return command;
      }
    }
  }

  #begin(line) {
    const count = toLength(line.slice(1));
    if (!(count <= MOST_ARGUMENTS)) throw new ProtocolError('invalid multibulk length');
    if (!this.isAuthenticated && count > MOST_ARGUMENTS_UNAUTHENTICATED) {
      throw new ProtocolError('unauthenticated multibulk length');
    }
    if (count > 0) {
      this.#arguments = [];
      this.#count = count;
      this.#bytes = 0;
    }
    return undefined;
  }

  /** @returns whether an argument was complete */
  #readArgument() {
    if (this.#length === -1) {
      const line = this.#readLine('too big bulk count string');
      if (line === undefined) return false;
      if (!line.startsWith('$')) throw new ProtocolError(`expected '$', got '${line[0] ?? '\r'}'`);
      this.#length = this.#parseLength(line.slice(1));
    }
    const bytes = this.#take(this.#length + 2);
    if (bytes === undefined) return false;
    this.#arguments.push(bytes.latin1Slice(0, this.#length));
    this.#length = -1;
    return true;
  }

  #parseLength(text) {
    const length = toLength(text);
    this.#bytes += length + ARGUMENT_BYTES;
    if (!(length >= 0 && length <= MOST_BULK_BYTES && this.#bytes <= MOST_COMMAND_BYTES)) {
      throw new ProtocolError('invalid bulk length');
    }
    if (!this.isAuthenticated && length > MOST_BULK_BYTES_UNAUTHENTICATED) {
      throw new ProtocolError('unauthenticated bulk length');
    }
    return length;
  }

  /** A line without its end. */
  #readLine(tooLong) {
    const bytes = this.#join();
    const end = bytes.indexOf(10);
    if (end === -1) {
      if (bytes.length > MOST_LINE_BYTES) throw new ProtocolError(tooLong);
      return undefined;
    }
    this.#keep(bytes.subarray(end + 1));
    return bytes.latin1Slice(0, bytes[end - 1] === 13 ? end - 1 : end);
  }

  #take(length) {
    if (this.#size < length) {
      return undefined;
    }
    const bytes = this.#join();
    this.#keep(bytes.subarray(length));
    return bytes.subarray(0, length);
  }

  #join() {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0];
  }

  #keep(bytes) {
    this.#chunks = [bytes];
    this.#size = bytes.length;
  }
}

const toLength = (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : NaN);

const ESCAPES = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** The words of an inline command, quoted or not. */
function splitInline(line) {
  const words = [];
  const word = /\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\'|[^'])*)'|([^\s"']+))(?=\s|$)|\s+$/gy;
  while (word.lastIndex < line.length) {
    const match = word.exec(line);
    if (match === null) throw new ProtocolError('unbalanced quotes in request');
    const [, double, single, plain] = match;
    if (double !== undefined) words.push(unescape(double));
    else if (single !== undefined) words.push(single.replaceAll("\\'", "'"));
    else if (plain !== undefined) words.push(plain);
  }
  return words;
}

function unescape(text) {
  return text.replaceAll(/\\(?:x([\da-f]{2})|(.))/gi, (_, hex, character) =>
    hex === undefined ? (ESCAPES[character] ?? character) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
