import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocketSettings } from '@app/gateway';
import { RouteTableError, type ProxyRoute } from '@app/proxy';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { ConnectionCounts } from '../relay/client-limits.js';
import type { RelayRoute } from '../relay/relay-record.js';
import type { ClientHandshake } from './client-response.js';

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
  /** The handshake that `ws` completes now; it does so within one call. */
  private accepting: ClientHandshake | undefined;

  /**
   * @param server tells a `@WebSocketGateway()` class of the route's sockets, if there is one
   * @throws RouteTableError if the policy is impossible
   */
  constructor(
    readonly proxyRoute: ProxyRoute,
    private readonly server: EventEmitter | undefined,
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
      handleProtocols: () => this.accepting!.subprotocol || false,
    };
    this.handshakes = new WebSocketServer(options).on('headers', (lines) => {
      lines.push(...this.accepting!.headers);
    });
  }

  /** Tells the route's class, if there is one, of a socket. */
  announce(socket: WebSocket, request: IncomingMessage): void {
    this.server?.emit('connection', socket, request);
  }

  /** Sends a client its 101. @returns its socket; undefined if `ws` has refused it */
  accept(
    request: IncomingMessage,
    { socket, head }: { readonly socket: Socket; readonly head: Buffer },
    response: ClientHandshake,
  ): WebSocket | undefined {
    let accepted: WebSocket | undefined;
    this.accepting = response;
    this.handshakes.handleUpgrade(request, socket, head, (client) => (accepted = client));
    this.accepting = undefined;
    // It was paused when the handshake had read enough; `ws` only listens.
    socket.resume();
    return accepted;
  }
}
