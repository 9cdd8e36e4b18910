/**
 * What a value is taken from:
 * - `principal.*`: who the access token speaks for; `principal.id` is its user. Absent on routes with `auth: 'none'`.
 * - `claims.NAME`: a claim of the access token by its whole name, dots included. A list is joined with commas, and commas in
 *   its elements are encoded. A claim that is an object counts as absent.
 * - `parameters.NAME`: the decoded value of a parameter of the route's path. For routes alone, not for an upstream.
 * - `client.address`: the address of the client, behind trusted proxies.
 * - `request.id`: the id in `X-Request-ID`.
 */
export type HeaderSource =
  | `principal.${'id' | 'email' | 'username' | 'role' | 'tokenId' | 'sessionId'}`
  | `claims.${string}`
  | `parameters.${string}`
  | 'client.address'
  | 'request.id';

/**
 * A text of visible ASCII, or a value of the exchange. Of the latter, bytes in UTF-8 other than visible ASCII, and `%`, are
 * percent-encoded, so that a user's name with a line break is no second header. An empty one counts as absent.
 */
export type HeaderValue = string | { readonly from: HeaderSource };

/**
 * Changes of headers, as data. A name stands for all spellings that a service may read as the same: `X-User-Id`, `x_user_id`
 * and `X.User.Id`. Names that frame a message or belong to one connection, and `Host`, which has an option of its own, are an
 * error at boot.
 */
export interface HeaderRules {
  /**
   * Headers that replace all others of their name: the client's in a request, the service's in a response. Those are
   * removed if the value is absent, too. If a rule of the upstream or of any of its routes sets a request header from the
   * principal or its claims, clients can send it on none of the upstream's routes. Default: none.
   */
  readonly set?: Readonly<Record<string, HeaderValue>>;
  /**
   * Headers that come behind others of their name. In a request they cannot have values of the principal or its claims, since
   * the client could send the same name. Default: none.
   */
  readonly add?: Readonly<Record<string, HeaderValue>>;
  /** Names of headers that are removed. Default: none. */
  readonly remove?: readonly string[];
}

/** The rules of an upstream or of a route. */
export interface HeaderRuleOptions {
  /**
   * Changes of the headers for the service, in requests and handshakes of WebSockets. The route's come after the upstream's,
   * and what a gate has changed by `exchange.requestHeaders` stays. They also replace headers that the gateway writes, such
   * as `X-Forwarded-Proto`. Trailers of a name that is set or removed are removed. Default: none.
   */
  readonly requestHeaders?: HeaderRules;
  /**
   * Changes of the headers of the service's responses, those of handshakes too; not of responses of the gateway's own, and
   * not of what it adds to a service's, such as the cookie of an affinity. The route's come after the upstream's. Names
   * that the gateway alone writes are an error at boot: `X-Request-ID`, `X-Gateway-*`, `X-RateLimit-*`, `Access-Control-*`,
   * and `Vary` but in `add`. Default: none.
   */
  readonly responseHeaders?: HeaderRules;
}
