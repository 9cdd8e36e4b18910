import { METHODS } from 'node:http';

/** Methods of RFC 9110, section 9.3, and PATCH (RFC 5789), without CONNECT. */
type CommonMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'TRACE';

/** Methods of WebDAV and its extensions (RFC 4918, 3253, 3744, 4791, 5323 and 5842). */
type WebDavMethod =
  | 'ACL'
  | 'BIND'
  | 'CHECKOUT'
  | 'COPY'
  | 'LOCK'
  | 'MERGE'
  | 'MKACTIVITY'
  | 'MKCALENDAR'
  | 'MKCOL'
  | 'MOVE'
  | 'PROPFIND'
  | 'PROPPATCH'
  | 'REBIND'
  | 'REPORT'
  | 'SEARCH'
  | 'UNBIND'
  | 'UNLOCK';

/** The other methods of Node's parser. */
type OtherMethod =
  'LINK' | 'M-SEARCH' | 'NOTIFY' | 'PURGE' | 'QUERY' | 'SOURCE' | 'SUBSCRIBE' | 'UNLINK' | 'UNSUBSCRIBE';

/** A method that a route may name: all of Node's `http.METHODS` but CONNECT. */
export type HttpMethod = CommonMethod | WebDavMethod | OtherMethod;

/** The part of `RouteOptions` that says which requests a route takes. */
interface RouteMethods {
  readonly methods: readonly (HttpMethod | '*')[];
  readonly websocket?: object;
}

const KNOWN: ReadonlySet<string> = new Set(METHODS);

/** The methods that `*` stands for. */
const ALL = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE');

/**
 * Whether HTTP has a method (RFC 9110, section 9.1). Node's parser passes methods of other protocols too, such as RTSP's.
 */
export function isHttpMethod(method: string): boolean {
  return KNOWN.has(method);
}

/** Whether a route is a WebSocket alone, so that it takes no plain request. */
export function isWebSocketOnly({ methods, websocket }: RouteMethods): boolean {
  return websocket !== undefined && methods.length === 1 && methods[0] === 'GET';
}

/** The methods that a route takes: `*` is replaced, and HEAD is added to GET (RFC 9110, section 9.3.2). */
export function methodsOf(route: RouteMethods): readonly string[] {
  const { methods } = route;
  if (isWebSocketOnly(route)) return methods;
  if (methods.includes('*')) return [...new Set([...ALL, ...methods.filter((method) => method !== '*')])];
  return methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods;
}

/** The fault of a route's methods; undefined if they are right. */
export function methodsFault({ methods, websocket }: RouteMethods): string | undefined {
  if (methods.length === 0) return 'names no method';
  const names: readonly string[] = methods;
  if (names.includes('CONNECT')) return 'names CONNECT, which the gateway never forwards';
  const unknown = names.find((method) => method !== '*' && !isHttpMethod(method));
  if (unknown !== undefined) return `names ${unknown}, which is no method of HTTP`;
  const isOpened = names.includes('GET') || names.includes('*');
  return websocket && !isOpened ? 'is a WebSocket, whose handshake is a GET' : undefined;
}
