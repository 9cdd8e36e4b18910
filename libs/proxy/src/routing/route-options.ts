import type { EventStreamPolicy } from './event-stream-policy.js';
import type { AffinityOptions } from './affinity-options.js';
import type { HeaderRuleOptions } from './header-rules.js';
import type { HttpMethod } from './methods.js';
import type { WebSocketPolicy } from './websocket-policy.js';

/**
 * Most requests a minute from one user, or from one client's network if the user is not known. Routes whose limits have
 * the same name share one count.
 */
export interface RouteLimit {
  /** In capitals, digits and underscores; `RATELIMIT_<NAME>` in the environment sets another number. */
  readonly name: string;
  readonly perMinute: number;
}

/**
 * What servers read in different ways, so that a path contains it only on routes that allow it. The danger of each is that
 * the service reads another path than the one by which the gateway chose the route, with its token, limits and gates.
 *
 * - `encodedSlash`, `%2F`: slashes within a segment (npm's `@scope%2Fname`, GitLab's `group%2Fproject`). For the look-up it
 *   is no slash. Danger: a service that decodes before it routes reads `/files/x%2Fadmin` as `/files/x/admin`.
 *   `exchange.parameter()` has a slash for it.
 * - `encodedPercent`, `%25`: a percent sign in a name. Danger: who decodes twice reads `%252F` as a slash, `%2500` as NUL.
 * - `emptySegment`, `//`: empty parts of a key (S3). Only a wildcard matches them. Danger: a service that merges slashes
 *   reads `/files//admin` as `/files/admin`.
 * - `encodedBackslash`, `%5C`: a backslash in a name. Danger: a service that takes it for a slash, as on Windows, reads
 *   `/files/x%5Cadmin` as `/files/x/admin`.
 * - `semicolon`, `;`: matrix parameters, or a semicolon in a name. Danger: Java servers cut it off with the rest of its
 *   segment, and read `/files/admin;x` as `/files/admin`.
 */
export type AllowedInPath =
  'encodedSlash' | 'encodedPercent' | 'emptySegment' | 'encodedBackslash' | 'semicolon';

/** One route of an upstream, as a team writes it. Data, no code. */
export interface RouteOptions extends HeaderRuleOptions {
  /**
   * The methods that pass, each of Node's `http.METHODS` but CONNECT; HEAD comes with GET (RFC 9110, section 9.3.2). `['*']`
   * stands for all of them but TRACE. Every other method gets 405 with `Allow`, and a method that HTTP does not have 501
   * (section 9.1). CONNECT, which asks for a tunnel, gets 501 on every path. Danger: a service that responds to TRACE sends
   * back the headers of the request, those of the gateway too: name it for debugging only.
   */
  readonly methods: readonly (HttpMethod | '*')[];

  /**
   * An absolute path. `:name` stands for exactly one segment. `*name`, as the last segment, is a wildcard: it stands for the
   * rest of the path with its slashes, at least one character; `{*name}` may also stand for none, so that `/{*path}` is every
   * path, and `/files/{*path}` is `/files/` with all below it, without `/files`. A trailing slash makes a path of its own.
   *
   * If several routes match, the most specific wins: at the first segment from the left in which they differ, a literal comes
   * before a parameter, and a parameter before a wildcard. The methods do not matter for that: a method that the winner does
   * not have is 405. Two routes of one path and method, or a wildcard whose every path has a more specific route, are an
   * error at boot, and so is a literal that is ambiguous in a path.
   *
   * A request's encoded letters, digits, `-`, `_` and `~` are decoded for the look-up alone: `/%61dmin` finds `/admin`, and the
   * service gets it as sent. If the service matches paths without decoding, another of its routes may respond; 400 if that
   * route is one of the gateway's that demands a token, and the found one does not. Other encoded characters, such as `%40`,
   * are not decoded for the look-up: `/%40me` does not find `/@me`. Many services decode them before they route; so 400 too if
   * a route that demands a token has the decoded path, and the found one has `auth: 'none'`.
   *
   * A parameter or a wildcard called `token` is a secret: it never appears in a log line.
   */
  readonly path: string;

  /**
   * Ambiguous parts that a path of the route may contain: `['encodedSlash']`; all others are 400. `.` and `..` as segments,
   * encoded dots, controls, malformed UTF-8, and `//` at the start, of the path or of the service's, encoded ones too, are
   * 400 always. The service gets the path as sent. Proxies in front must pass it on unchanged too. Danger: see each name.
   * Default: none.
   */
  readonly allowedInPath?: readonly AllowedInPath[];

  /**
   * Whether a valid access token is required before a byte goes to the service. Default: `required`, the safe choice.
   */
  readonly auth?: 'required' | 'none';

  /** The rate limit; past it 429. Default: the application's, with one count for all such routes. */
  readonly limit?: RouteLimit;

  /** Whether a 2xx response revokes the access token of its request. Default: false. */
  readonly endsSession?: boolean;

  /**
   * Whether a response in flight ends when the access token of its request expires. Default: streams do, and no others: an
   * upload or a download that began in time goes on. Revocation ends every response. Ignored if the route has `auth:
   * 'none'`.
   */
  readonly endsAtExpiry?: boolean;

  /** Largest request body in bytes. Default: the proxy's `bodyLimitBytes`. */
  readonly bodyLimitBytes?: number;

  /**
   * Milliseconds from the end of the request's body to the response headers, over all attempts; so it never cuts an
   * upload. Default: the proxy's `requestTimeoutMs`.
   */
  readonly requestTimeoutMs?: number;

  /**
   * Milliseconds from the end of one attempt's request to its response headers. Not less than `requestTimeoutMs` is an error
   * at boot. Default: the route's `requestTimeoutMs`, so that one attempt may use all of it; the proxy's
   * `responseHeadersTimeoutMs` if the route sets neither.
   */
  readonly responseHeadersTimeoutMs?: number;

  /**
   * Longest time in milliseconds without a byte of a body in either direction, event streams included. Default: the proxy's
   * `eventStreamIdleTimeoutMs` for streams, and its `streamIdleTimeoutMs` for all else.
   */
  readonly streamIdleTimeoutMs?: number;

  /**
   * Whether each response of the route is a stream, as one of `text/event-stream` always is: lines of JSON, a feed of
   * changes, a long poll with a body that comes bit by bit. Of a stream
   * - the idle timeout is that of event streams;
   * - proxies in front are told not to buffer it (`X-Accel-Buffering: no`, to trusted ones);
   * - the response ends when the access token expires (see `endsAtExpiry`);
   * - the request's body is under no minimum rate once the response has begun, so that both may be slow;
   * - the drain ends it at a moment of its own, by closing its connection: its client does not take it for complete. (An event
   *   stream ends behind a whole event.)
   *
   * The time until the response headers is not changed: a poll that waits long before its head needs `requestTimeoutMs`.
   * Default: false.
   */
  readonly stream?: boolean;

  /** How event streams pass. Default: as they come, with heartbeats. */
  readonly eventStream?: EventStreamPolicy;

  /**
   * Whether a request of any method with an `Idempotency-Key` and a body of at most 64 KiB may be sent again. The body is
   * read whole first. Danger: the service must remember each key for as long as clients retry. Default: false.
   */
  readonly retriesKeyed?: boolean;

  /**
   * Who responds to `Expect: 100-continue` (RFC 9110, section 10.1.1). `gateway`: the gateway, once its gates have let the
   * request pass. `upstream`: the service, which so can refuse an upload before its first byte; the request is not buffered,
   * and if the service sends neither 100 nor a response, the response headers timeout applies. Default: `gateway`.
   */
  readonly expectContinue?: 'gateway' | 'upstream';

  /**
   * Which requests and handshakes of the route go to one instance; `none` for balancing by load alone. Routes of one upstream
   * with the same affinity send the same key to the same instance. Default: the upstream's.
   */
  readonly affinity?: AffinityOptions | 'none';

  /**
   * Whose CORS rules hold for pages of other origins. `gateway`: only allowed origins pass, the gateway responds to
   * preflights, and a service's `Access-Control-*` headers are dropped. `upstream`: every origin passes, also in a WebSocket
   * handshake; preflights go to the service without a token, and its CORS headers go to the page in place of the gateway's.
   * The gateway's own errors are readable for allowed origins alone. Danger: the service alone protects its users from
   * foreign pages. Default: `gateway`.
   */
  readonly cors?: 'gateway' | 'upstream';

  /**
   * `any`: requests and handshakes pass from any origin, `null` included, such as the form post of an identity provider
   * (`response_mode=form_post`). Pages can read the response, without credentials: `Access-Control-Allow-Origin: *`. An error
   * at boot unless the route has `auth: 'none'`, or if it has `cors: 'upstream'`. Danger: cookies with `SameSite=None` come
   * with requests of foreign pages, so the service must check where such a request began. Default: allowed origins only.
   */
  readonly crossOrigin?: 'any';

  /**
   * The path for the service, with parameters of `path`, and its wildcard as the last segment: `/static/*path`. What they
   * stand for keeps the bytes of the request, and the query passes unchanged. Danger: two routes may lead to one resource
   * with different demands. Default: the request's path.
   */
  readonly rewrite?: string;

  /**
   * The first segments of `path`, which the service does not get: with `/files`, it gets `/a` for `/files/a`, and `/` for
   * `/files`. The rest keeps the bytes of the request. An error at boot together with `rewrite`. Danger: as of `rewrite`.
   * Default: none.
   */
  readonly strip?: string;

  /**
   * `Origin` of handshakes of WebSockets, in place of the client's: an origin such as `https://app.example`, or `upstream` for
   * the scheme, host and port of the instance; if the upstream has a given `host`, that one. A service that compares `Origin`
   * with `Host` needs `host: 'instance'` or a given one too. The gateway has checked the client's `Origin` before. Default: the
   * client's; without one, none. An error at boot on a route without `websocket`.
   */
  readonly origin?: string;

  /**
   * Makes the route a WebSocket with these options; `{}` is all defaults. With `methods: ['GET']` it is a WebSocket alone: a
   * plain request gets 426, unless another route has its path and GET. With further methods, which include GET or are `['*']`,
   * the route takes plain requests too, and only a GET that asks for the upgrade is the WebSocket. A
   * `@WebSocketGateway({ path })` class with the same path, or the rewritten one, gets each socket in `handleConnection` and
   * `handleDisconnect`. Default: none.
   */
  readonly websocket?: WebSocketPolicy;
}

/**
 * A route that a controller of the application answers, behind the same gates as every other. A controller without one has
 * no authentication, and the default limit.
 */
export interface ControllerRouteOptions extends Pick<RouteOptions, 'methods' | 'path' | 'auth' | 'limit'> {
  /** The summary of the route in the OpenAPI document. */
  readonly summary: string;
  /** Whether the route is for probes and scrapers: neither rate limits nor overload refuse them. Default: false. */
  readonly isMonitoring?: boolean;
}
