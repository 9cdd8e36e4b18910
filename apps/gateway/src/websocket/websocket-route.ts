import { RouteTableError, type ProxyRow } from '@app/proxy';
import { WebSocketServer, type ServerOptions } from 'ws';
import type { WebSocketConfig } from '../config/gateway-config.js';
import { ConnectionCounts } from './connection-counts.js';

/** An option of `ws` that its types do not know yet: milliseconds that a peer has to answer a close frame. */
interface CloseTimeout {
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
  readonly messageLimitBytes: number;
  readonly messagesPerSecond: number;
  readonly connections: ConnectionCounts;
  /** Completes handshakes; it owns no port and no path. */
  readonly handshakes: WebSocketServer;

  /**
   * @param server through which the route's class hears of its sockets
   * @throws RouteTableError where the policy asks for what cannot be
   */
  constructor(
    readonly row: ProxyRow,
    readonly server: WebSocketServer,
    config: WebSocketConfig,
  ) {
    const { path, auth, websocket } = row.route;
    const policy = { ...config.defaults, ...websocket };
    if (policy.messageLimitBytes > MESSAGE_CEILING_BYTES) {
      throw new RouteTableError(
        `${path} (${row.upstream}) has a messageLimitBytes above ${MESSAGE_CEILING_BYTES}`,
      );
    }
    this.endpoint = path;
    this.resume = policy.resume ?? false;
    this.closesAtExpiry = auth !== 'none' && (policy.closesAtExpiry ?? true);
    this.messageLimitBytes = policy.messageLimitBytes;
    this.messagesPerSecond = policy.messagesPerSecond;
    this.connections = new ConnectionCounts(policy.connectionsPerUser, policy.connections);
    const options: ServerOptions & CloseTimeout = {
      noServer: true,
      clientTracking: false,
      // Compression costs memory for every socket, and it lets guesses be measured against secrets.
      perMessageDeflate: false,
      maxPayload: policy.messageLimitBytes,
      closeTimeout: config.closeTimeoutMs,
    };
    this.handshakes = new WebSocketServer(options);
  }
}
