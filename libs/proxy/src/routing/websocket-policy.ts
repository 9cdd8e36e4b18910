/** Bounds of the compression of a WebSocket route, permessage-deflate (RFC 7692). */
export interface WebSocketCompression {
  /** Base-2 logarithm of the window of messages to clients, 9 to 15; a client may ask for a smaller one. Default: 13. */
  readonly windowBits?: number;
  /** Messages to clients below so many bytes are sent as they are. Default: 1024. */
  readonly thresholdBytes?: number;
  /**
   * Most bytes to which one byte of a client's message may inflate, 1 to 1,100, of messages that inflate to more than
   * 64 KiB. Past it 1009, before the rest is inflated. Default: 100.
   */
  readonly ratioLimit?: number;
}

/** Options of a WebSocket route. Default of each limit: the application's. */
export interface WebSocketPolicy {
  /**
   * Whether the client's socket stays open while the service restarts (closes with 1006, 1001 or 1012): messages that the
   * client sends meanwhile wait for the new connection. For services whose state of a connection comes from its URL and
   * token alone. Danger: a service whose state comes from earlier messages would get the later ones without it.
   * Default: false.
   */
  readonly resume?: boolean;
  /**
   * Whether the socket is closed with 4401 once the access token has expired; a client may renew it in place.
   * Default: true. Ignored if the route has `auth: 'none'`.
   */
  readonly closesAtExpiry?: boolean;
  /** Largest message in bytes, either way; a client that sends more is closed with 1009. At most 16 MiB. */
  readonly messageLimitBytes?: number;
  /**
   * Most messages a second from one client, on average; twice as many at once. Pings, and pongs that answer no ping, count
   * too. `pastMessagesPerSecond` says what happens to a faster client.
   */
  readonly messagesPerSecond?: number;
  /**
   * What happens to a client that sends faster than `messagesPerSecond`. `slow`: the gateway reads it no faster, so that TCP
   * makes it wait; no message is lost, at most 128 KiB of it wait in the gateway, and its pongs may come late. `close`: it is
   * closed with 1008, and what it sent beyond is dropped. Danger of `close`: a client that sends what it has at once, as MQTT
   * clients do when they connect again, never gets through. Default: `slow`.
   */
  readonly pastMessagesPerSecond?: 'slow' | 'close';
  /**
   * Compresses messages from and to clients that offer permessage-deflate; `{}` is all defaults. Services get and send
   * plain messages. Each message is compressed by itself (no context takeover), at most two at once in the process, so that
   * a socket keeps no memory of zlib. Measured: 0.3 KiB more for an idle socket that has sent and received one (240 KiB
   * with the compression of `ws`), and 20 to 30 MB once for the process. Danger: a message that has a secret beside text of
   * an attacker shows by its length whether they are alike (as in CRIME); a message of some hundred bytes hardly shrinks.
   * Default: none.
   */
  readonly compression?: WebSocketCompression;
  /** Most open sockets of one user, or of one client address if the route has `auth: 'none'`. Past it 429. */
  readonly connectionsPerUser?: number;
  /** Most open sockets of the route. Past it 429. */
  readonly connections?: number;
}
