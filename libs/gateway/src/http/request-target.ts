import type { IncomingMessage } from 'node:http';

/** A host with an optional port (RFC 3986, section 3.2.2). Checks characters only. */
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/** Whether a `Host` or an authority has the form of a host with an optional port, without userinfo. */
export function isHost(text: string): boolean {
  return HOST.test(text);
}

/** A target in absolute-form (RFC 9112, section 3.2.2): scheme, authority, path with query. */
const ABSOLUTE = /^([A-Za-z]+):\/\/([^/?#]*)(.*)$/s;

/** Default ports by scheme, in the form that follows a host. */
const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ['http', ':80'],
  ['https', ':443'],
]);

/** The target of requests whose own has no path. No route has it. */
const NO_PATH = '*';

interface ReadTarget {
  /** The target as the client sent it. */
  readonly sent: string;
  readonly fault: string | undefined;
}

const TARGET = Symbol('target');

interface WithTarget extends IncomingMessage {
  [TARGET]?: ReadTarget;
}

/**
 * Replaces a target in absolute-form by its origin-form (RFC 9112, section 3.2), so that all code that reads a path reads the
 * same one. Stricter than section 3.2.2, which ignores `Host`: the authority must be that of `Host`, because services read
 * `Host`. A target without an origin-form becomes `*`, and `targetFault` has the reason. Call it before the first look at the
 * path; a second call does nothing.
 */
export function toOriginForm(request: IncomingMessage): void {
  const sent = request.url!;
  if (sent.startsWith('/') || (request as WithTarget)[TARGET]) return;
  const absolute = ABSOLUTE.exec(sent);
  const fault = absolute
    ? absoluteFault(absolute, request)
    : 'Request target must be a path or an absolute URI';
  (request as WithTarget)[TARGET] = { sent, fault };
  request.url = absolute && fault === undefined ? withPath(absolute[3]!) : NO_PATH;
}

/** The reason to refuse a request because of its target; undefined if there is none. Call `toOriginForm` before. */
export function targetFault(request: IncomingMessage): string | undefined {
  return request.url === NO_PATH ? (request as WithTarget)[TARGET]?.fault : undefined;
}

/** The target as the client sent it. */
export function sentTargetOf(request: IncomingMessage): string {
  return (request as WithTarget)[TARGET]?.sent ?? request.url!;
}

/** An empty path stands for `/` (RFC 9110, section 4.2.3). */
function withPath(rest: string): string {
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function absoluteFault(
  [, scheme, authority, rest]: RegExpExecArray,
  { method, headers: { host = '' } }: IncomingMessage,
): string | undefined {
  const port = DEFAULT_PORTS.get(scheme!.toLowerCase());
  if (port === undefined) return 'Request target has another scheme than http and https';
  if (authority!.includes('@')) return 'Request target has userinfo';
  if (!isHost(authority!)) return 'Request target has an invalid authority';
  if (rest!.includes('#')) return 'Request target has a fragment';
  // It stands for `OPTIONS *` (RFC 9112, section 3.2.4), which no route takes.
  if (rest === '' && method === 'OPTIONS') return 'Request target has no path';
  // `RequestGrammarMiddleware` has its own words for a `Host` that is missing or invalid.
  const isSame = withoutPort(authority!, port) === withoutPort(host, port);
  return isSame ? undefined : 'Request target and Host header differ';
}

/** A host in lower case (RFC 3986, section 6.2.2.1), without an empty or default port (section 6.2.3). */
function withoutPort(host: string, defaultPort: string): string {
  const lower = host.toLowerCase();
  for (const port of [':', defaultPort]) if (lower.endsWith(port)) return lower.slice(0, -port.length);
  return lower;
}
