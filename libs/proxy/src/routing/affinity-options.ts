/**
 * Which requests and handshakes go to one instance: those with the same key. An instance that is ejected, down or gone is
 * replaced by another, and gets its keys back when it returns. A request without the key is balanced by load.
 *
 * - `client`: the client's network, as for rate limits: an IPv4 address, or the /64 of an IPv6 address.
 * - `header`, `cookie`, `query`, `parameter`: the value of a request header, a cookie, a parameter of the query, or one of
 *   the route's path. The instance follows from a hash of the value. Danger: if a service invents the value, as socket.io
 *   does with `sid`, the hash may name another instance than the one that invented it; use `client` or `gateway-cookie`.
 * - `gateway-cookie`: a cookie that the gateway sets with the first response. It names the instance that responded by an
 *   opaque id, so an instance that is added moves nobody. A session cookie: `HttpOnly`, `SameSite=Lax`, and `Secure` if the
 *   client came by https. If the instance is lost, the cookie names the one that responds next.
 */
export type AffinityOptions = AffinitySource & {
  /**
   * Bound on the load of an instance: its requests in flight divided by the mean of all instances that are up, at least 1;
   * `Infinity` for no bound. Above it, and above 8 requests in flight, a request goes to the next instance. Default: 1.25,
   * of 'Consistent Hashing with Bounded Loads' (Mirrokni, Thorup, Zadimoghaddam, 2016). Danger: a session whose instance is
   * above the bound has requests at another; a service that loses sessions by it needs `Infinity`.
   */
  readonly loadFactor?: number;
};

type AffinitySource =
  | { readonly by: 'client' }
  | { readonly by: 'header' | 'cookie' | 'query' | 'parameter'; readonly name: string }
  | {
      readonly by: 'gateway-cookie';
      /** Default: `NAME-affinity` with the name of the upstream. One of two upstreams with one path is an error at boot. */
      readonly name?: string;
      /** The `Path` of the cookie. Default: `/`. */
      readonly path?: string;
    };
