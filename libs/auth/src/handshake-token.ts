import type { IncomingMessage } from 'node:http';
import { pathOf } from '@app/proxy/internal';

/** Start of an offered subprotocol that carries a token: `bearer.TOKEN`. */
const BEARER_PREFIX = 'bearer.';

const QUERY_NAMES: ReadonlySet<string> = new Set(['access_token', 'token']);

/** Length of the longest name with all its characters percent-encoded. */
const LONGEST_NAME = 'access_token'.length * 3;

/** Names that `decodeURIComponent` can decode without an error; a thrown error costs 5 µs. */
const DECODABLE_NAME = /^(?:[A-Za-z_]|%[0-7][0-9A-Fa-f])+$/;

/**
 * Moves the token of a handshake into `Authorization`. A browser cannot set headers, and sends the token as
 * `?access_token=`, as `?token=`, or as a subprotocol `bearer.TOKEN`. Removes the token from the URL and from the
 * offered subprotocols. If the request already has an `Authorization`, that one stays, and the token is removed all the
 * same. Call before the gates, which read that header only, and before the URL is logged.
 */
export function moveToken(request: IncomingMessage): void {
  const fromQuery = takeFromQuery(request);
  const fromSubprotocol = takeFromSubprotocols(request);
  const token = fromQuery || fromSubprotocol;
  if (!token || request.headers.authorization !== undefined) return;
  request.headers.authorization = `Bearer ${token}`;
  request.rawHeaders.push('Authorization', `Bearer ${token}`);
}

function takeFromQuery(request: IncomingMessage): string | undefined {
  const url = request.url!;
  const path = pathOf(url);
  if (path.length === url.length) return undefined;
  let token: string | undefined;
  const rest = url
    .slice(path.length + 1)
    .split('&')
    .filter((pair) => {
      const equals = pair.indexOf('=');
      if (!isTokenName(equals === -1 ? pair : pair.slice(0, equals))) return true;
      if (equals !== -1) token ||= pair.slice(equals + 1);
      return false;
    });
  request.url = rest.length === 0 ? path : `${path}?${rest.join('&')}`;
  return token && decoded(token);
}

/** Whether a parameter's name, percent-decoded, is a token's. A name that cannot be decoded is not. */
function isTokenName(name: string): boolean {
  return (
    name.length <= LONGEST_NAME && DECODABLE_NAME.test(name) && QUERY_NAMES.has(decodeURIComponent(name))
  );
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function takeFromSubprotocols(request: IncomingMessage): string | undefined {
  const offered = subprotocolsOf(request.headers['sec-websocket-protocol']);
  const hasPrefix = (name: string): boolean => name.toLowerCase().startsWith(BEARER_PREFIX);
  const token = offered.find(hasPrefix);
  if (token === undefined) return undefined;
  const rest = offered.filter((name) => !hasPrefix(name)).join(', ');
  if (rest === '') delete request.headers['sec-websocket-protocol'];
  else request.headers['sec-websocket-protocol'] = rest;
  return token.slice(BEARER_PREFIX.length);
}

/** The subprotocols that a client offers, in its order, without empty elements (RFC 9110, section 5.6.1.2). */
export function subprotocolsOf(header: string | undefined): string[] {
  if (header === undefined) return [];
  return header
    .split(',')
    .map(trimWhitespace)
    .filter((name) => name !== '');
}

/** Removes the optional whitespace of RFC 9110, section 5.6.3, from both ends. JavaScript's `trim` removes more. */
export function trimWhitespace(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isWhitespace(text.charCodeAt(start))) start++;
  while (start < end && isWhitespace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
