import type { IncomingMessage, Server } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  BadRequestException,
  ForbiddenException,
  Inject,
  Injectable,
  Logger,
  ServiceUnavailableException,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { WebSocketServer } from 'ws';
import type { Failure } from '../error.filter.js';
import { Id } from '../id.schema.js';
import type { Membership } from '../memberships/membership.js';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { AccessTokenVerifier } from '../tokens/access-token.verifier.js';
import { Member } from './room.js';
import type { SocketEndpoint } from './socket.endpoint.js';
import { loggedFailure, MESSAGE_LIMIT_BYTES, SocketRooms } from './socket.rooms.js';

/** The response to a client that offers subprotocols: a browser demands that one is chosen. */
const SUBPROTOCOL = 'secureconnect.v1';

/** Accepts or refuses the handshakes of WebSockets. */
@Injectable()
export class SocketServer implements BeforeApplicationShutdown {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_LIMIT_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  readonly #logger = new Logger();
  #stopping = false;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly tokens: AccessTokenVerifier,
    private readonly rooms: SocketRooms,
    @Inject(SERVICE_CONFIG) private readonly config: ServiceConfig,
  ) {}

  /** Serves the handshakes of an endpoint. Other requests for an upgrade are served as plain requests. To be called once. */
  serve(endpoint: SocketEndpoint): void {
    const server: Server = this.adapterHost.httpAdapter.getHttpServer();
    Object.assign(server, {
      shouldUpgradeCallback: (request: IncomingMessage) => isHandshake(request, endpoint),
    });
    server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      stream.on('error', () => stream.destroy());
      void this.#open(endpoint, request, stream, head);
    });
    this.rooms.start(endpoint);
  }

  async #open(
    endpoint: SocketEndpoint,
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
  ): Promise<void> {
    try {
      const { caller, roomId, membership } = await this.#authorize(endpoint, request);
      if (this.#stopping) throw new ServiceUnavailableException('Service is stopping');
      this.#sockets.handleUpgrade(request, stream, head, (socket) => {
        this.rooms.enter(endpoint, roomId, new Member(socket, caller, membership));
      });
    } catch (error) {
      refuse(stream, loggedFailure(error, this.#logger));
    }
  }

  async #authorize(
    endpoint: SocketEndpoint,
    { url, headers }: IncomingMessage,
  ): Promise<{ caller: AccessClaims; roomId: string; membership: Membership | null }> {
    const { path, parameter } = endpoint;
    const query = new URLSearchParams(url!.slice(path.length));
    const { origin } = headers;
    // A request without an Origin comes from no page.
    if (origin !== undefined && !this.config.allowedOrigins?.includes(origin))
      throw new ForbiddenException('Origin not allowed');
    const caller = await this.tokens.verify(headers.authorization);
    const id = Id.safeParse(query.get(parameter));
    if (!id.success) throw new BadRequestException(`${parameter} must be a UUID`);
    const membership = await endpoint.requireMembership(caller, id.data);
    return { caller, roomId: id.data, membership };
  }

  beforeApplicationShutdown(): void {
    this.#stopping = true;
    this.rooms.stop();
  }
}

function isHandshake({ method, url, headers }: IncomingMessage, { path }: SocketEndpoint): boolean {
  return method === 'GET' && url!.split('?', 1)[0] === path && headers.upgrade?.toLowerCase() === 'websocket';
}

/** Writes the error in the envelope of all error responses. */
function refuse(stream: Duplex, { status, code, message }: Failure): void {
  const body = JSON.stringify({ success: false, error: { code, message } });
  // A client that does not end its half would keep the connection open, and the service from stopping.
  stream.once('finish', () => stream.destroy());
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
