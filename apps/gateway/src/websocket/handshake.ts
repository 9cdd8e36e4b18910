import type { IncomingMessage } from 'node:http';

/** Sixteen bytes in base64 (RFC 6455, section 4.1). */
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/;

/** A token of RFC 9110, section 5.6.2. */
const SUBPROTOCOL = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The only version there is (RFC 6455, section 4.2.1). */
export const VERSION = '13';

/** What is wrong with an opening handshake beside its version, or undefined (RFC 6455, section 4.2.1). */
export function handshakeFault({ headers, httpVersionMinor }: IncomingMessage): string | undefined {
  if (httpVersionMinor === 0) return 'WebSocket needs HTTP/1.1';
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) return 'Invalid Sec-WebSocket-Key header';
  const offered = subprotocolsOf(headers['sec-websocket-protocol']);
  const isValid = offered.every((name) => SUBPROTOCOL.test(name)) && new Set(offered).size === offered.length;
  return isValid ? undefined : 'Invalid Sec-WebSocket-Protocol header';
}

/** The subprotocols that a client offers, in its order. */
export function subprotocolsOf(header: string | undefined): string[] {
  return header === undefined ? [] : header.split(',').map(trimWhitespace);
}

/** Without optional whitespace of RFC 9110, section 5.6.3, which is less than JavaScript trims. */
function trimWhitespace(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isWhitespace(text.charCodeAt(start))) start++;
  while (start < end && isWhitespace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
