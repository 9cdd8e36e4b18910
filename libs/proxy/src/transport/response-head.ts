import { ResponseFraming } from './response-framing.js';
import { InvalidResponseError } from './transport-errors.js';

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
const NOT_MODIFIED = 304;

/** Whether responses with this status have no body (RFC 9112, section 6.3). */
export function isBodiless(status: number): boolean {
  return status === NO_CONTENT || status === NOT_MODIFIED;
}

/** Whether a response that has no body announces one: a service that does so may send it, as the next response. */
export function announcesForbiddenBody({ status, contentLength, isChunked }: ResponseHead): boolean {
  // The length of a 304 is that of the representation (RFC 9110, section 8.6).
  return isBodiless(status) && (isChunked || (status !== NOT_MODIFIED && contentLength > 0));
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

/**
 * Parses a head, strictly: what Node's own parser would refuse is refused, and so are folded lines.
 * @param text the head as latin1, without the CRLF CRLF at its end
 * @throws InvalidResponseError
 */
export function parseHead(text: string): ResponseHead {
  if (!HEAD.test(text)) throw new InvalidResponseError('malformed head');
  let end = text.indexOf('\r\n');
  const phrase = end === -1 ? text.slice(PHRASE_AT) : text.slice(PHRASE_AT, end);
  const framing = new ResponseFraming();
  const headers: string[] = [];
  while (end !== -1) {
    const start = end + 2;
    const colon = text.indexOf(':', start);
    end = text.indexOf('\r\n', colon);
    const name = text.slice(start, colon);
    const value = trimmed(text, colon + 1, end === -1 ? text.length : end);
    if (headers.push(name, value) > 2 * MOST_FIELDS) throw new InvalidResponseError('too many header fields');
    // Node refuses a transfer coding and a length with a tab behind it. The tab stays, so that `ResponseFraming` does too.
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
