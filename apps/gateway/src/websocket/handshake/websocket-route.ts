import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type WebSocketSettings } from '@app/gateway';
import { RouteTableError, type ProxyRoute } from '@app/proxy';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { ConnectionCounts } from '../relay/client-limits.js';
import type { RelayRoute } from '../relay/relay-record.js';
import type { ClientHandshake } from './client-response.js';
import type { Upgrade } from './upgrade.js';

/** Most chunks of a message of up to 1 MiB; a larger one may come in chunks of `MIN_CHUNK_BYTES` on average. */
const MAX_CHUNKS = 2_048;
const MIN_CHUNK_BYTES = 512;

/** The same of fragments, which a client chooses and which count once towards its rate, all together. */
const MAX_FRAGMENTS = 1_024;
const MIN_FRAGMENT_BYTES = 4_096;

/** Options of either end of a relay; the types of `ws` do not know all of them yet. */
interface SocketOptions {
  readonly perMessageDeflate: false;
  readonly autoPong: false;
  readonly maxPayload: number;
  readonly maxBufferedChunks: number;
  readonly maxFragments: number;
  /** Milliseconds that a peer has to respond to a close frame. */
  readonly closeTimeout: number;
}

/** The largest message limit of a route: larger messages do not belong on a socket. */
const MESSAGE_CEILING_BYTES = 16 * 1024 * 1024;

/** A WebSocket route with all that can be computed for it at boot. */
export class WebSocketRoute implements RelayRoute {
  /** The template of its path, as metrics name it. */
  readonly endpoint: string;
  readonly upstream: string;
  readonly upstreamOwner: object;
  readonly resume: boolean;
  readonly closesAtExpiry: boolean;
  readonly socketOptions: SocketOptions;
  readonly messagesPerSecond: number;
  readonly connections: ConnectionCounts;
  private readonly handshakes: WebSocketServer;
  private readonly responses = new WeakMap<IncomingMessage, ClientHandshake>();

  /**
   * @param server tells the route's class of its sockets
   * @throws RouteTableError if the policy is impossible
   */
  constructor(
    readonly proxyRoute: ProxyRoute,
    readonly server: EventEmitter,
    config: WebSocketSettings,
  ) {
    const { path, auth, websocket } = proxyRoute.options;
    const policy = { ...config.defaults, ...websocket };
    if (policy.messageLimitBytes > MESSAGE_CEILING_BYTES) {
      throw new RouteTableError(
        `${path} (${proxyRoute.upstream}) has a messageLimitBytes above ${MESSAGE_CEILING_BYTES}`,
      );
    }
    this.endpoint = path;
    this.upstream = proxyRoute.upstream;
    this.upstreamOwner = proxyRoute.proxy;
    this.resume = policy.resume ?? false;
    this.closesAtExpiry = auth !== 'none' && (policy.closesAtExpiry ?? true);
    this.messagesPerSecond = policy.messagesPerSecond;
    this.connections = new ConnectionCounts(policy.connectionsPerUser, policy.connections);
    this.socketOptions = {
      // Compression costs memory for every socket, and it lets guesses be measured against secrets.
      perMessageDeflate: false,
      // The relay responds to pings, within bounds.
      autoPong: false,
      maxPayload: policy.messageLimitBytes,
      maxBufferedChunks: Math.max(MAX_CHUNKS, policy.messageLimitBytes / MIN_CHUNK_BYTES),
      maxFragments: Math.max(MAX_FRAGMENTS, policy.messageLimitBytes / MIN_FRAGMENT_BYTES),
      closeTimeout: config.closeTimeoutMs,
    };
    const options: ServerOptions = {
      ...this.socketOptions,
      noServer: true,
      clientTracking: false,
      // By itself `ws` takes the first that the client offers.
      handleProtocols: (_offered, request) => this.responses.get(request)!.subprotocol || false,
    };
    this.handshakes = new WebSocketServer(options).on('headers', (lines, request) => {
      lines.push(...this.responses.get(request)!.headers);
    });
  }

  /** Sends a client its 101. @returns its socket; undefined if `ws` has refused it */
  accept(
    request: IncomingMessage,
    { socket, head }: Upgrade,
    response: ClientHandshake,
  ): WebSocket | undefined {
    let accepted: WebSocket | undefined;
    this.responses.set(request, response);
    this.handshakes.handleUpgrade(request, socket, head, (client) => (accepted = client));
    // It was paused when the handshake had read enough; `ws` only listens.
    socket.resume();
    return accepted;
  }
}
