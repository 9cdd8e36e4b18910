/** The methods a route may name. A route that names GET answers HEAD too (RFC 9110, section 9.3.2). */
export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** What a WebSocket route asks for; limits that it does not name are the application's. */
export interface WebSocketPolicy {
  /**
   * Whether the client's socket stays while the service restarts (closes with 1006, 1001 or 1012): messages that the
   * client sends meanwhile wait for the new connection. For services that keep no state of a connection but what its
   * URL and token say. Danger: a service whose state was built by earlier messages would get the later ones
   * without it. Default: false.
   */
  readonly resume?: boolean;
  /**
   * Whether the socket is closed with 4401 once the access token has expired; a client may renew it in place.
   * Default: true. Ignored where the row says `auth: 'none'`.
   */
  readonly closesAtExpiry?: boolean;
  /** Largest message in bytes, either way; a client that sends more is closed with 1009. At most 16 MiB. */
  readonly messageLimitBytes?: number;
  /** Messages a second that a client may send, on average; twice as many at once. Past it 1008. */
  readonly messagesPerSecond?: number;
  /** Open sockets of one user, or of one client address where the row says `auth: 'none'`; past it 429. */
  readonly connectionsPerUser?: number;
  /** Open sockets of all; past it 429. */
  readonly connections?: number;
}

/**
 * How often a minute one user, or one client's network where nobody is known, may ask. Routes whose limits have the
 * same name share one count.
 */
export interface RouteLimit {
  /** In capitals, digits and underscores; `RATELIMIT_<NAME>` in the environment sets another number. */
  readonly name: string;
  readonly perMinute: number;
}

/** One row of an upstream's route table. Data, no code. */
export interface RouteOptions {
  /** The methods that pass; every other one is answered with 405 and `Allow`. */
  readonly methods: readonly HttpMethod[];

  /**
   * An absolute path; `:name` stands for exactly one segment. Where two rows match, the one with the literal
   * segment further left wins. A parameter called `token` is a secret: it never appears in a log line.
   */
  readonly path: string;

  /**
   * Whether a valid access token is demanded before a byte goes to the service. Default: `required`, so that
   * a row that says nothing is the safe one.
   */
  readonly auth?: 'required' | 'none';

  /** Past it 429. Default: the application's, whose count all such routes share. */
  readonly limit?: RouteLimit;

  /** A 2xx answer of this route revokes the access token that the request carried. Default: false. */
  readonly endsSession?: boolean;

  /**
   * Whether a response in flight ends when the access token of its request expires. Default: event streams do, and no
   * others: an upload or a download that began in time goes on. Revocation ends every response. Ignored if the row says
   * `auth: 'none'`.
   */
  readonly endsAtExpiry?: boolean;

  /** Largest request body in bytes. Default: the proxy's `bodyLimitBytes`. */
  readonly bodyLimitBytes?: number;

  /**
   * Milliseconds until the response headers must have come, over all attempts; counted from the end of the
   * request's body, so that it never cuts an upload. Default: the proxy's `routeDeadlineMs`.
   */
  readonly requestTimeoutMs?: number;

  /**
   * Whether a request with an `Idempotency-Key` and a body of at most 64 KiB may be sent again, whatever its method:
   * the body is read whole first. Danger: for services that know each key for as long as clients repeat. Default: false.
   */
  readonly repeatsKeyed?: boolean;

  /** The path that the service sees instead; its parameters are those of `path`. The query passes unchanged. */
  readonly rewrite?: string;

  /**
   * The route is a WebSocket, with this policy: `{}` is all defaults. A plain request is answered with 426.
   * A `@WebSocketGateway({ path })` class that names the path, or the one that it is rewritten to, hears of each socket by
   * `handleConnection` and `handleDisconnect`. Default: none.
   */
  readonly websocket?: WebSocketPolicy;
}

/**
 * A route that a controller of the application answers, behind the same gates as every other. A controller without one has
 * no authentication, and the default limit.
 */
export interface ControllerRouteOptions extends Pick<RouteOptions, 'methods' | 'path' | 'auth' | 'limit'> {
  /** What the route is for, in the OpenAPI document. */
  readonly summary: string;
  /** Whether it serves probes and scrapers: no limit counts its requests, and overload refuses none. Default: false. */
  readonly isMonitoring?: boolean;
}
