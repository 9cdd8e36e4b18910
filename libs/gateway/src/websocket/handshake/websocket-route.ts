import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { MessageCodec } from '../../http/message-codec.js';
import { createWebSocket } from '../../http/ws-internals.js';
import type { WebSocketSettings } from '../../settings/complete-settings.js';
import { RouteTableConfigurationError, type ProxyRoute, type WebSocketPolicy } from '@app/proxy/internal';
import type { WebSocket } from 'ws';
import type { RelayRoute } from '../relay/relay-record.js';
import { RouteCompression } from './compression-offer.js';

/** Most chunks of a message of up to 1 MiB; a larger limit of the route permits one for each `MIN_CHUNK_BYTES`. */
const MAX_CHUNKS = 2_048;
const MIN_CHUNK_BYTES = 512;

/** Most fragments, likewise. They need a bound of their own: a message counts once for `messagesPerSecond`. */
const MAX_FRAGMENTS = 1_024;
const MIN_FRAGMENT_BYTES = 4_096;

/** Options of `ws` for both ends of a relay. The types of `ws` lack some of them. */
interface SocketOptions {
  readonly perMessageDeflate: false;
  readonly autoPong: false;
  readonly maxPayload: number;
  readonly maxBufferedChunks: number;
  readonly maxFragments: number;
  /** Milliseconds that the other end has to respond to a close frame. */
  readonly closeTimeout: number;
}

/** Counts the sockets of a route. A socket counts from the start of its handshake, so that a burst is bounded too. */
export class ConnectionCounts {
  private readonly byOwner = new Map<string, number>();
  private total = 0;

  constructor(
    private readonly limitPerOwner: number,
    private readonly limit: number,
  ) {}

  /**
   * @param owner a user, or the network of an unauthenticated client
   * @returns false, and counts nothing, if there is no room for one more socket
   */
  tryAcquire(owner: string): boolean {
    const count = this.byOwner.get(owner) ?? 0;
    if (count >= this.limitPerOwner || this.total >= this.limit) return false;
    this.byOwner.set(owner, count + 1);
    this.total++;
    return true;
  }

  release(owner: string): void {
    const count = this.byOwner.get(owner)! - 1;
    if (count === 0) this.byOwner.delete(owner);
    else this.byOwner.set(owner, count);
    this.total--;
  }
}

/** The largest message limit that a route may have. */
const MESSAGE_CEILING_BYTES = 16 * 1024 * 1024;

/** A compiled WebSocket route: its policy, its options of `ws` and its count of connections. */
export class WebSocketRoute implements RelayRoute {
  /** The path template, which metrics have as label `endpoint`. */
  readonly endpoint: string;
  readonly upstream: string;
  /** Owner of the bytes of the upstream's ends in the byte budget; see `RelayRoute`. */
  readonly upstreamOwner: object;
  /** See `WebSocketPolicy`. */
  readonly resume: boolean;
  readonly closesAtExpiry: boolean;
  readonly socketOptions: SocketOptions;
  readonly messagesPerSecond: number;
  readonly closesFastClients: boolean;
  /** Undefined on routes without compression. */
  readonly compression: RouteCompression | undefined;
  readonly connections: ConnectionCounts;

  /**
   * @param server emits the route's sockets to its `@WebSocketGateway()` class; undefined if the route has no class
   * @throws RouteTableConfigurationError if the policy is invalid
   */
  constructor(
    readonly proxyRoute: ProxyRoute,
    private readonly server: EventEmitter | undefined,
    config: WebSocketSettings,
  ) {
    const { path, auth, websocket } = proxyRoute.options;
    const policy = { ...config.defaults, ...websocket };
    if (policy.messageLimitBytes > MESSAGE_CEILING_BYTES) {
      throw new RouteTableConfigurationError(
        `${path} (${proxyRoute.upstream}) has a messageLimitBytes above ${MESSAGE_CEILING_BYTES}`,
      );
    }
    this.endpoint = path;
    this.upstream = proxyRoute.upstream;
    this.upstreamOwner = proxyRoute.proxy;
    this.resume = policy.resume ?? false;
    this.closesAtExpiry = auth !== 'none' && (policy.closesAtExpiry ?? true);
    this.messagesPerSecond = policy.messagesPerSecond;
    this.compression =
      policy.compression &&
      new RouteCompression(policy.compression, policy.messageLimitBytes, `${path} (${proxyRoute.upstream})`);
    this.closesFastClients = closesFastClients(proxyRoute, policy.pastMessagesPerSecond);
    this.connections = new ConnectionCounts(policy.connectionsPerUser, policy.connections);
    this.socketOptions = {
      // For the compression of `ws`, which keeps memory for every socket. See `compression`.
      perMessageDeflate: false,
      // The relay responds to pings, within bounds.
      autoPong: false,
      maxPayload: policy.messageLimitBytes,
      maxBufferedChunks: Math.max(MAX_CHUNKS, policy.messageLimitBytes / MIN_CHUNK_BYTES),
      maxFragments: Math.max(MAX_FRAGMENTS, policy.messageLimitBytes / MIN_FRAGMENT_BYTES),
      closeTimeout: config.closeTimeoutMs,
    };
  }

  /** Gives a socket to the route's class, if there is one. */
  announce(socket: WebSocket, request: IncomingMessage): void {
    this.server?.emit('connection', socket, request);
  }

  /**
   * Sends a client its 101.
   * @param head of the 101 @param codec undefined without compression
   * @returns undefined if the client has ended its connection
   */
  accept(
    { socket: stream, head: early }: { readonly socket: Socket; readonly head: Buffer },
    head: string,
    subprotocol: string,
    codec: MessageCodec | undefined,
  ): WebSocket | undefined {
    if (!stream.readable || !stream.writable) {
      stream.destroy();
      return undefined;
    }
    stream.write(head, 'latin1');
    const socket = createWebSocket({ stream, early, subprotocol, isServer: true, codec }, this.socketOptions);
    // `WebSocketUpgrade.startReading` may have paused it.
    stream.resume();
    return socket;
  }
}

/** @throws RouteTableConfigurationError if the option has another value */
function closesFastClients(
  { options, upstream }: ProxyRoute,
  past: WebSocketPolicy['pastMessagesPerSecond'] = 'slow',
): boolean {
  if (past === 'slow' || past === 'close') return past === 'close';
  throw new RouteTableConfigurationError(
    `${options.path} (${upstream}) has a pastMessagesPerSecond other than 'slow' and 'close'`,
  );
}
