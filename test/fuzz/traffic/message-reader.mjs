const CRLF = '\r\n';
const HEAD_END = Buffer.from('\r\n\r\n');
const SIZE = /^[0-9a-fA-F]+$/;

/** Reads HTTP messages as they come, strictly; `fault` says what no message may look like. */
class MessageReader {
  fault;
  #bytes = Buffer.alloc(0);
  /** Twice as large as needed, so that a body that comes in many parts is not copied for each. */
  #memory = Buffer.alloc(0);
  #head;
  #at = 0;

  /** @param chunk bytes as they came */
  push(chunk) {
    if (this.#bytes.length + chunk.length > this.#memory.length) {
      const { rest } = this;
      this.#memory = Buffer.allocUnsafe(2 * (rest.length + chunk.length));
      rest.copy(this.#memory);
      this.#bytes = this.#memory.subarray(0, rest.length);
      this.#at = 0;
    }
    chunk.copy(this.#memory, this.#bytes.length);
    this.#bytes = this.#memory.subarray(0, this.#bytes.length + chunk.length);
  }

  /** What came behind the last whole message. */
  get rest() {
    return this.#bytes.subarray(this.#at);
  }

  /** The head of a message whose body has not come whole. */
  get openHead() {
    return this.#head;
  }

  /** The next head or, once its body is whole, message. @returns undefined until more has come */
  next() {
    if (this.fault) return undefined;
    if (!this.#head) {
      this.#head = this.#takeHead();
      if (!this.#head) return undefined;
    }
    const body = this.#takeBody(this.#head.framing);
    if (!body) return undefined;
    const message = { ...this.#head, ...body };
    this.#head = undefined;
    return message;
  }

  /** Ends a body that only the end of the connection frames. */
  finish() {
    if (this.#head?.framing !== 'end') return undefined;
    const message = { ...this.#head, body: this.rest };
    this.#at = this.#bytes.length;
    this.#head = undefined;
    return message;
  }

  #takeHead() {
    const end = this.#bytes.indexOf(HEAD_END, this.#at);
    if (end === -1) return undefined;
    const text = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end + HEAD_END.length;
    const [first, ...lines] = text.split(CRLF);
    const headers = lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
    const head = { first, text, headers, get: (name) => headers.find(([each]) => each === name)?.[1] };
    this.fault = headFault(text, lines) ?? this.firstLineFault(first);
    return { ...head, ...this.describe(head) };
  }

  #takeBody(framing) {
    if (framing === 'chunked') return this.#takeChunks();
    if (framing === 'end' || this.#bytes.length - this.#at < framing) return undefined;
    this.#at += framing;
    return { body: this.#bytes.subarray(this.#at - framing, this.#at) };
  }

  #takeChunks() {
    const chunks = [];
    for (let at = this.#at; ;) {
      const end = this.#bytes.indexOf(CRLF, at);
      if (end === -1) return undefined;
      const size = this.#bytes.toString('latin1', at, end);
      if (!SIZE.test(size)) {
        this.fault = `chunk size ${JSON.stringify(size)}`;
        return undefined;
      }
      const length = Number.parseInt(size, 16);
      if (length === 0) return this.#takeTrailers(end, chunks);
      at = end + 2 + length + 2;
      if (this.#bytes.length < at) return undefined;
      chunks.push(this.#bytes.subarray(at - 2 - length, at - 2));
    }
  }

  #takeTrailers(sizeEnd, chunks) {
    const end = this.#bytes.indexOf(HEAD_END, sizeEnd);
    if (end === -1) return undefined;
    this.#at = end + HEAD_END.length;
    return { body: Buffer.concat(chunks) };
  }
}

/** Names are tokens (RFC 9110, section 5.1), and no control byte but a tab stands in a value. */
function headFault(text, lines) {
  const odd = lines.find((line) => !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/.test(line));
  if (odd !== undefined) return `header line ${JSON.stringify(odd)}`;
  return /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/.test(text)
    ? 'control byte in the head'
    : undefined;
}

function lengthOf(headers) {
  const lengths = headers.filter(([name]) => name === 'content-length').map(([, value]) => value);
  const isChunked = headers.some(([name]) => name === 'transfer-encoding');
  if (lengths.length > 1) return { fault: 'two Content-Length' };
  if (isChunked && lengths.length > 0) return { fault: 'Content-Length and Transfer-Encoding' };
  if (lengths.length > 0 && !/^\d+$/.test(lengths[0])) return { fault: `Content-Length ${lengths[0]}` };
  return { framing: isChunked ? 'chunked' : lengths.length > 0 ? Number(lengths[0]) : undefined };
}

/** The responses that a client gets, to requests of these methods. */
export class ResponseReader extends MessageReader {
  #methods;

  constructor(methods) {
    super();
    this.#methods = [...methods];
  }

  /** One more request was sent, with this method. */
  expect(method) {
    this.#methods.push(method);
  }

  firstLineFault(first) {
    return /^HTTP\/1\.1 [1-5]\d\d [^\r\n]*$/.test(first) ? undefined : `status line ${JSON.stringify(first)}`;
  }

  describe({ first, headers }) {
    const status = Number(first.split(' ')[1]);
    const { framing, fault } = lengthOf(headers);
    this.fault ??= fault;
    if (status < 200) return { status, framing: 0, isInformational: status !== 101 };
    const method = this.#methods.shift();
    const hasNone = method === 'HEAD' || status === 204 || status === 304;
    return { status, method, framing: hasNone ? 0 : (framing ?? 'end') };
  }
}

/** The requests that a service gets: what the gateway lets through must be read the same way by every server. */
export class RequestReader extends MessageReader {
  firstLineFault(first) {
    return /^[A-Z]+ \/[!-"$-~]* HTTP\/1\.1$/.test(first)
      ? undefined
      : `request line ${JSON.stringify(first)}`;
  }

  describe({ first, headers }) {
    const [method, target] = first.split(' ');
    const { framing = 0, fault } = lengthOf(headers);
    this.fault ??= fault;
    if (headers.filter(([name]) => name === 'host').length !== 1) this.fault ??= 'not one Host';
    const isHealthCheck = target === '/health';
    const ids = headers.filter(([name]) => name === 'x-request-id');
    if (!isHealthCheck && ids.length !== 1) this.fault ??= 'not one X-Request-ID';
    return { method, target, framing };
  }
}
