/** The methods a route may name. A route that names GET answers HEAD too (RFC 9110, section 9.3.2). */
export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** One row of an upstream's route table. Data, no code. */
export interface Route {
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

  /** A 2xx answer of this route revokes the access token that the request carried. Default: false. */
  readonly endsSession?: boolean;

  /** Largest request body in bytes. Default: the proxy's `bodyLimitBytes`. */
  readonly bodyLimitBytes?: number;

  /**
   * Milliseconds until the response headers must have come, over all attempts; counted from the end of the
   * request's body, so that it never cuts an upload. Default: the proxy's `routeDeadlineMs`.
   */
  readonly deadlineMs?: number;

  /** The path that the service sees instead; its parameters are those of `path`. The query passes unchanged. */
  readonly rewrite?: string;

  /** The route is a WebSocket: a plain request is answered with 426. Default: false. */
  readonly websocket?: boolean;
}
