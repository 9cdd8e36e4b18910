/** The head of a response, and how its body is delimited (RFC 9112, section 6.3). */
export interface ResponseHead {
  readonly status: number;
  readonly phrase: string;
  /** Name, value, name, value; each character is one byte. */
  readonly headers: string[];
  /** Announced length of the body in bytes; -1 if there is none. */
  readonly contentLength: number;
  readonly isChunked: boolean;
  /** Whether the connection may carry another request behind this response. */
  readonly isPersistent: boolean;
  /** Milliseconds for which the service keeps an unused connection open, if it says so. Default: `Infinity`. */
  readonly keepAliveMs: number;
}

const NO_CONTENT = 204;
export const NOT_MODIFIED = 304;

/** Whether responses with this status have no body (RFC 9112, section 6.3). */
export function isBodiless(status: number): boolean {
  return status === NO_CONTENT || status === NOT_MODIFIED;
}

/** A response breaks a rule of HTTP/1.1. */
export class InvalidResponseError extends Error {
  readonly code = 'ERR_INVALID_RESPONSE';
}

/** Most header fields of a response. Node's own client has the same limit. */
const MOST_FIELDS = 2_000;

/**
 * A whole head without its last line ends: names are tokens (RFC 9110, section 5.6.2), values have no control but tabs
 * (section 5.5). A folded line, or a blank before a colon, does not match.
 */
const HEAD =
  /^HTTP\/1\.[01] [1-9]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*)*$/;

/** Trailer fields, each with its line end. */
const TRAILERS = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;

/** Names that frame a message, which trailers must not have (RFC 9110, section 6.5.1). */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** `HTTP/1.1 200`. */
const MINOR_AT = 7;
const STATUS_AT = 9;
const PHRASE_AT = 13;

const TAB = 0x09;

const LENGTH = /^\d{1,15}$/;
const TIMEOUT = /(?:^|[\s,;])timeout *= *"?(\d{1,9})/i;

/** The parts of a head that say how its body is delimited, and whether the connection stays. */
class Framing {
  contentLength = -1;
  isChunked = false;
  keepAliveMs = Infinity;
  private isClosing = false;
  private isKept = false;

  /** Most names are told apart by their length alone. */
  read(name: string, value: string): void {
    switch (name.length) {
      // `Connection` or `Keep-Alive`.
      case 10:
        this.readConnection(name.toLowerCase(), value);
        return;
      case 14:
        if (name.toLowerCase() === 'content-length') this.readLength(value);
        return;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') this.readCoding(value);
        return;
      default:
    }
  }

  isPersistent(minorVersion: number): boolean {
    if (this.isClosing) return false;
    // RFC 9112, section 6.1: HTTP/1.0 has no chunks, so its framing cannot be trusted further.
    return minorVersion === 1 || (this.isKept && !this.isChunked);
  }

  private readConnection(lower: string, value: string): void {
    if (lower === 'connection') {
      for (const option of value.toLowerCase().split(',')) {
        const name = option.trim();
        if (name === 'close') this.isClosing = true;
        else if (name === 'keep-alive') this.isKept = true;
      }
    } else if (lower === 'keep-alive') {
      const [, seconds] = TIMEOUT.exec(value) ?? [];
      if (seconds !== undefined) this.keepAliveMs = Number(seconds) * 1_000;
    }
  }

  private readLength(value: string): void {
    if (this.contentLength !== -1) throw new InvalidResponseError('more than one Content-Length');
    if (!LENGTH.test(value)) throw new InvalidResponseError('invalid Content-Length');
    this.contentLength = Number(value);
  }

  private readCoding(value: string): void {
    // Any other coding, or two fields, would be lost on the way to the client.
    if (this.isChunked || value.toLowerCase() !== 'chunked') {
      throw new InvalidResponseError('transfer coding besides chunked');
    }
    this.isChunked = true;
  }
}

/**
 * Parses a head, strictly: what Node's own parser would refuse is refused, and so are folded lines.
 * @param text the head as latin1, without the CRLF CRLF at its end
 * @throws InvalidResponseError
 */
export function parseHead(text: string): ResponseHead {
  if (!HEAD.test(text)) throw new InvalidResponseError('malformed head');
  let end = text.indexOf('\r\n');
  const phrase = end === -1 ? text.slice(PHRASE_AT) : text.slice(PHRASE_AT, end);
  const framing = new Framing();
  const headers: string[] = [];
  while (end !== -1) {
    const start = end + 2;
    const colon = text.indexOf(':', start);
    end = text.indexOf('\r\n', colon);
    const name = text.slice(start, colon);
    const value = trimmed(text, colon + 1, end === -1 ? text.length : end);
    if (headers.push(name, value) > 2 * MOST_FIELDS) throw new InvalidResponseError('too many header fields');
    // Node refuses a transfer coding and a length with a tab behind it. The tab stays, so that `Framing` does too.
    const hasTab = text.charCodeAt((end === -1 ? text.length : end) - 1) === TAB;
    framing.read(name, hasTab ? `${value}\t` : value);
  }
  const { contentLength, isChunked, keepAliveMs } = framing;
  if (isChunked && contentLength !== -1) {
    throw new InvalidResponseError('both Content-Length and Transfer-Encoding');
  }
  return {
    status: Number(text.slice(STATUS_AT, STATUS_AT + 3)),
    phrase,
    headers,
    contentLength,
    isChunked,
    isPersistent: framing.isPersistent(text.charCodeAt(MINOR_AT) - 0x30),
    keepAliveMs,
  };
}

/** Parses trailer fields. @param text each field with its line end @throws InvalidResponseError */
export function parseTrailers(text: string): string[] {
  if (!TRAILERS.test(text)) throw new InvalidResponseError('malformed trailers');
  const trailers: string[] = [];
  for (let start = 0; start < text.length;) {
    const colon = text.indexOf(':', start);
    const end = text.indexOf('\r\n', colon);
    const name = text.slice(start, colon);
    if (FRAMING.has(name.toLowerCase())) throw new InvalidResponseError(`${name} in trailers`);
    trailers.push(name, trimmed(text, colon + 1, end));
    start = end + 2;
  }
  return trailers;
}

/** A value without the blanks around it (RFC 9110, section 5.6.3). */
function trimmed(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (start < end && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === TAB;
}
