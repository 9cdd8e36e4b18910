import type { IncomingMessage } from 'node:http';
import { pathOf } from '@app/proxy';
import { subprotocolsOf } from './handshake-request.js';

/** A subprotocol that is none: `bearer.` and a token. */
const BEARER_PREFIX = 'bearer.';

const QUERY_NAMES: ReadonlySet<string> = new Set(['access_token', 'token']);

/** Characters of the longest name, each of them encoded. */
const LONGEST_NAME = 'access_token'.length * 3;

/** Names that decodeURIComponent cannot fail on; a thrown error costs 5 us. */
const DECODABLE_NAME = /^(?:[A-Za-z_]|%[0-7][0-9A-Fa-f])+$/;

/**
 * Turns the token of a handshake into `Authorization`, wherever a browser, which cannot set headers, has put it:
 * `?access_token=`, `?token=`, or a subprotocol `bearer.TOKEN`. It is gone from the URL and from the offered
 * subprotocols afterwards, also where `Authorization` was there already, which comes first. Before the gates, so
 * that they read one header, and before anything is logged.
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

/** As a form is read: percent-encoded, or not at all if that is broken. */
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
  const isToken = (name: string): boolean => name.toLowerCase().startsWith(BEARER_PREFIX);
  const token = offered.find(isToken);
  if (token === undefined) return undefined;
  const rest = offered.filter((name) => !isToken(name)).join(', ');
  if (rest === '') delete request.headers['sec-websocket-protocol'];
  else request.headers['sec-websocket-protocol'] = rest;
  return token.slice(BEARER_PREFIX.length);
}
