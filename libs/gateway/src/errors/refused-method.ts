/** Node's error for bytes that its parser refused. */
export interface ParserError extends NodeJS.ErrnoException {
  /** The parser's own words. */
  readonly reason?: string;
  /** The bytes that were read last. */
  readonly rawPacket?: Buffer;
  /** The number of those bytes before the one that was refused. */
  readonly bytesParsed?: number;
}

/** The parser's words for a method of RTSP in a request of HTTP. */
const OTHER_PROTOCOL = 'Invalid method for HTTP/x.x request';

/** Bytes of a request line that are looked at. */
const MOST_BYTES = 16 * 1024;

/** More bytes than any method has that begins as a known one does. */
const MOST_METHOD_BYTES = 32;

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]/;

/**
 * A request line (RFC 9112, section 3), whole, or as far as it came behind the method and the first characters of its target.
 * HTTP/0.9 has no version.
 */
const REQUEST_LINE =
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ (?:\/|\*|[A-Za-z]+:\/\/)[!-~]*(?:$| HTTP\/1\.[01]\r?\n| [HTP]{0,4}\/?[01.]{0,3}\r?$)/;

/**
 * Whether the parser refused the method of a request that is valid otherwise, so that the response is 501 (RFC 9110, section
 * 9.1). Bytes of another protocol, TLS for example, are no such request.
 */
export function isRefusedMethod({ code, reason, rawPacket, bytesParsed = 0 }: ParserError): boolean {
  if (code === 'HPE_INVALID_CONSTANT') return reason === OTHER_PROTOCOL;
  if (code !== 'HPE_INVALID_METHOD' || !rawPacket) return false;
  // The parser refuses a method at its first wrong byte.
  let start = bytesParsed;
  const least = start - MOST_METHOD_BYTES;
  while (start > 0 && start > least && TOKEN.test(String.fromCharCode(rawPacket[start - 1]!))) start--;
  return REQUEST_LINE.test(rawPacket.toString('latin1', start, start + MOST_BYTES));
}
