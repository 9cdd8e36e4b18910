import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type WebSocketSettings } from '@app/gateway';
import { RouteTableError, type ProxyRow } from '@app/proxy';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { ConnectionCounts } from './connection-counts.js';
import type { ClientHandshake } from './client-handshake.js';
import type { Upgrade } from './upgrade.js';

/** Bytes that each chunk of the largest message has on average at least; smaller ones are somebody's game. */
const LEAST_CHUNK_BYTES = 512;
const LEAST_CHUNKS = 2_048;

/** The same of fragments, which a client chooses and which count once towards its rate, all together. */
const LEAST_FRAGMENT_BYTES = 4_096;
const LEAST_FRAGMENTS = 1_024;

/** Options of either end of a relay; the types of `ws` do not know all of them yet. */
interface SocketOptions {
  readonly perMessageDeflate: false;
  readonly autoPong: false;
  readonly maxPayload: number;
  readonly maxBufferedChunks: number;
  readonly maxFragments: number;
  /** Milliseconds that a peer has to answer a close frame. */
  readonly closeTimeout: number;
}

/** The largest message that a route may let through; what is larger does not belong on a socket. */
const MESSAGE_CEILING_BYTES = 16 * 1024 * 1024;

/** A WebSocket row with everything that can be worked out for it at boot. */
export class WebSocketRoute {
  /** The template of its path, as metrics name it. */
  readonly endpoint: string;
  readonly resume: boolean;
  readonly closesAtExpiry: boolean;
  readonly socketOptions: SocketOptions;
  readonly messagesPerSecond: number;
  readonly connections: ConnectionCounts;
  private readonly handshakes: WebSocketServer;
  private readonly answers = new WeakMap<IncomingMessage, ClientHandshake>();

  /**
   * @param server through which the route's class hears of its sockets
   * @throws RouteTableError where the policy asks for what cannot be
   */
  constructor(
    readonly row: ProxyRow,
    readonly server: EventEmitter,
    config: WebSocketSettings,
  ) {
    const { path, auth, websocket } = row.options;
    const policy = { ...config.defaults, ...websocket };
    if (policy.messageLimitBytes > MESSAGE_CEILING_BYTES) {
      throw new RouteTableError(
        `${path} (${row.upstream}) has a messageLimitBytes above ${MESSAGE_CEILING_BYTES}`,
      );
    }
    this.endpoint = path;
    this.resume = policy.resume ?? false;
    this.closesAtExpiry = auth !== 'none' && (policy.closesAtExpiry ?? true);
    this.messagesPerSecond = policy.messagesPerSecond;
    this.connections = new ConnectionCounts(policy.connectionsPerUser, policy.connections);
    this.socketOptions = {
      // Compression costs memory for every socket, and it lets guesses be measured against secrets.
      perMessageDeflate: false,
      // The relay answers pings, within bounds.
      autoPong: false,
      maxPayload: policy.messageLimitBytes,
      maxBufferedChunks: Math.max(LEAST_CHUNKS, policy.messageLimitBytes / LEAST_CHUNK_BYTES),
      maxFragments: Math.max(LEAST_FRAGMENTS, policy.messageLimitBytes / LEAST_FRAGMENT_BYTES),
      closeTimeout: config.closeTimeoutMs,
    };
    const options: ServerOptions = {
      ...this.socketOptions,
      noServer: true,
      clientTracking: false,
      // By itself `ws` takes the first that the client offers.
      handleProtocols: (_offered, request) => this.answers.get(request)!.subprotocol || false,
    };
    this.handshakes = new WebSocketServer(options).on('headers', (lines, request) => {
      lines.push(...this.answers.get(request)!.headers);
    });
  }

  /** Sends a client its 101, and gives its side of the socket; undefined where `ws` has refused it. */
  accept(
    request: IncomingMessage,
    { socket, head }: Upgrade,
    answer: ClientHandshake,
  ): WebSocket | undefined {
    let accepted: WebSocket | undefined;
    this.answers.set(request, answer);
    this.handshakes.handleUpgrade(request, socket, head, (client) => (accepted = client));
    // It was paused when the handshake had read enough; `ws` only listens.
    socket.resume();
    return accepted;
  }
}
