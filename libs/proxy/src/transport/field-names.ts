/** Fields for one connection alone (RFC 9110, section 7.6.1), and those that the gateway writes for each connection. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Fields that frame a message or belong to its connection, so that the gateway alone writes them. Names in lower case. */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether a text is a token (RFC 9110, section 5.6.2), as the names of headers, methods and subprotocols are. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Tab, blank and visible ASCII (RFC 9110, section 5.5), without blanks at the ends: a parser would drop those. */
const VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

const OTHER = /[^a-z0-9-]/;
const OTHERS = /[^a-z0-9-]/g;

/**
 * One form for all names that a service may read as the same: CGI, WSGI, Rack and PHP replace `-` and `.` with `_`, and
 * lighttpd every other mark too.
 */
export function canonicalName(lower: string): string {
  return OTHER.test(lower) ? lower.replaceAll(OTHERS, '-') : lower;
}

/** Why no application may set or remove a field, in words that follow its name; undefined if it may. */
export function fieldNameFault(name: string): string | undefined {
  if (!isToken(name)) return 'is no header name';
  const canonical = canonicalName(name.toLowerCase());
  if (canonical === 'content-length' || canonical === 'transfer-encoding') return 'frames the message';
  if (HOP_BY_HOP.has(canonical) || canonical === 'expect' || canonical === 'trailer')
    return 'belongs to one connection';
  if (canonical === 'host') return 'has the option `host` of the upstream';
  return canonical.startsWith('sec-websocket-') ? 'belongs to the handshake of a WebSocket' : undefined;
}

/** Why a text cannot be the value of a field, in words that follow its name; undefined if it can. */
export function fieldValueFault(value: string): string | undefined {
  if (value === '') return 'has an empty value';
  return VALUE.test(value)
    ? undefined
    : 'has a value with a blank at an end, or with characters other than visible ASCII';
}
