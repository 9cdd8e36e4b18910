import type { IncomingMessage } from 'node:http';
import { hasBody } from '@app/proxy';

/** Sixteen bytes in base64 (RFC 6455, section 4.1). */
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/;

/** A token of RFC 9110, section 5.6.2. */
const SUBPROTOCOL = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The only version there is (RFC 6455, section 4.2.1). */
export const VERSION = '13';

/** Whether an `Upgrade` names WebSocket, alone or in a list (RFC 9110, section 7.8). */
export function asksForWebSocket(upgrade = ''): boolean {
  return upgrade
    .toLowerCase()
    .split(',')
    .some((protocol) => trimWhitespace(protocol) === 'websocket');
}

/** What is wrong with an opening handshake beside its version, or undefined (RFC 6455, section 4.2.1). */
export function handshakeFault(request: IncomingMessage): string | undefined {
  const { headers, httpVersionMinor } = request;
  if (httpVersionMinor === 0) return 'WebSocket needs HTTP/1.1';
  // What is announced as a body would be read as frames.
  if (hasBody(request)) return 'WebSocket handshake must have no body';
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) return 'Invalid Sec-WebSocket-Key header';
  const offered = subprotocolsOf(headers['sec-websocket-protocol']);
  const isValid = offered.every((name) => SUBPROTOCOL.test(name)) && new Set(offered).size === offered.length;
  return isValid ? undefined : 'Invalid Sec-WebSocket-Protocol header';
}

/** The subprotocols that a client offers, in its order; an empty element of the list is none (RFC 9110, section 5.6.1.2). */
export function subprotocolsOf(header: string | undefined): string[] {
  if (header === undefined) return [];
  return header
    .split(',')
    .map(trimWhitespace)
    .filter((name) => name !== '');
}

/** Takes the empty elements out of the list of subprotocols: `ws` refuses them, here and at an upstream. */
export function dropEmptySubprotocols({ headers }: IncomingMessage): void {
  const offered = subprotocolsOf(headers['sec-websocket-protocol']);
  if (offered.length === 0) delete headers['sec-websocket-protocol'];
  else headers['sec-websocket-protocol'] = offered.join(', ');
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
