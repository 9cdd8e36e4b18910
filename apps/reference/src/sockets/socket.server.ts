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
import { WebSocketServer, type RawData } from 'ws';
import { ByteRateService, TOO_MANY_BYTES } from '../byte-rate.service.js';
import { failureOf, type Failure } from '../error.filter.js';
import { Id } from '../id.schema.js';
import { AuthServiceClient } from '../memberships/auth-service.client.js';
import type { Membership } from '../memberships/membership.js';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { AccessTokenVerifier } from '../tokens/access-token.verifier.js';
import { CLOSURE, Member, Room, type Closure } from './room.js';
import type { SocketEndpoint } from './socket.endpoint.js';
import { SocketReview } from './socket.review.js';

/** What a client that offers subprotocols gets; a browser demands that one is chosen. */
const SUBPROTOCOL = 'secureconnect.v1';
const MESSAGE_LIMIT_BYTES = 1024 * 1024;
/** Milliseconds between two pings, and for which a socket may be silent. */
const HEARTBEAT_MS = 60_000;

/** Serves WebSockets: who may enter which room, who is in it, and who has gone. */
@Injectable()
export class SocketServer implements BeforeApplicationShutdown {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_LIMIT_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  readonly #logger = new Logger();
  readonly #rooms = new Map<string, Room>();
  #review: SocketReview | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  /** `performance.now()` of the last pings. */
  #pingedAt = 0;
  #stopping = false;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly tokens: AccessTokenVerifier,
    private readonly authService: AuthServiceClient,
    private readonly rate: ByteRateService,
    @Inject(SERVICE_CONFIG) private readonly config: ServiceConfig,
  ) {}

  /** Takes the endpoint's handshakes; to be called once. Whatever else asks for an upgrade is answered as if it did not. */
  serve(endpoint: SocketEndpoint): void {
    const server: Server = this.adapterHost.httpAdapter.getHttpServer();
    Object.assign(server, {
      shouldUpgradeCallback: (request: IncomingMessage) => isHandshake(request, endpoint),
    });
    server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      stream.on('error', () => stream.destroy());
      void this.#open(endpoint, request, stream, head);
    });
    const every = this.config.heartbeatMs ?? HEARTBEAT_MS;
    this.#heartbeat = setInterval(() => this.#beat(), every).unref();
    const { unknownMembershipTimeoutMs } = this.config;
    this.#review = new SocketReview(this.authService, endpoint, this.#rooms, unknownMembershipTimeoutMs);
  }

  /** Closes all sockets of a room of this process. */
  closeRoom(roomId: string, closure: Closure): void {
    for (const member of this.#rooms.get(roomId)?.members ?? []) member.close(closure);
  }

  async #open(
    endpoint: SocketEndpoint,
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
  ): Promise<void> {
    try {
      const { caller, roomId, membership } = await this.#admit(endpoint, request);
      if (this.#stopping) throw new ServiceUnavailableException('Service is stopping');
      this.#sockets.handleUpgrade(request, stream, head, (socket) => {
        this.#enter(endpoint, roomId, new Member(socket, caller, membership));
      });
    } catch (error) {
      refuse(stream, this.#failureOf(error));
    }
  }

  async #admit(
    endpoint: SocketEndpoint,
    { url, headers }: IncomingMessage,
  ): Promise<{ caller: AccessClaims; roomId: string; membership: Membership | null }> {
    const { path, parameter } = endpoint;
    const query = new URLSearchParams(url!.slice(path.length));
    const origins = this.config.allowedOrigins ?? [];
    if (!origins.includes(headers.origin ?? '')) throw new ForbiddenException('Origin not allowed');
    const caller = await this.tokens.verify(headers.authorization);
    const id = Id.safeParse(query.get(parameter));
    if (!id.success) throw new BadRequestException(`${parameter} must be a UUID`);
    const membership = await endpoint.admit(caller, id.data);
    return { caller, roomId: id.data, membership };
  }

  #enter(endpoint: SocketEndpoint, roomId: string, member: Member): void {
    const { socket } = member;
    const room = this.#rooms.get(roomId) ?? new Room(roomId);
    const hear = (): void => void (member.heardAt = performance.now());
    socket
      .on('ping', hear)
      .on('pong', hear)
      .on('error', () => {});
    socket.on('message', (data, isBinary) => {
      hear();
      if (!member.isOpen) return;
      if (this.#consume(endpoint, member, data))
        this.#receive(endpoint, member, room, isBinary ? undefined : parse(data));
    });
    socket.once('close', () => this.#leave(room, member));
    this.#rooms.set(roomId, room);
    room.add(member);
    member.send({ type: 'joined', [endpoint.parameter]: room.id, users: room.users() });
  }

  /** Counts the message before it is parsed. Answers it with an error and returns false if it is past a limit. */
  #consume(
    { messageLimitBytes = MESSAGE_LIMIT_BYTES }: SocketEndpoint,
    member: Member,
    data: RawData,
  ): boolean {
    const { length } = data as Buffer;
    const isInRate = this.rate.consume(member.caller.user_id, length) === 0;
    const isInSize = length <= messageLimitBytes;
    if (!isInRate) member.refuse(TOO_MANY_BYTES.code, TOO_MANY_BYTES.message);
    else if (!isInSize) member.refuse('INVALID_MESSAGE', `Messages have at most ${messageLimitBytes} bytes`);
    return isInRate && isInSize;
  }

  /** What goes wrong with one message is no reason for the service to end. */
  #receive(endpoint: SocketEndpoint, member: Member, room: Room, event: unknown): void {
    if (event === undefined) return member.refuse('INVALID_MESSAGE', 'Messages are JSON');
    try {
      endpoint.receive(member, room, event);
    } catch (error) {
      const { code, message } = this.#failureOf(error);
      member.refuse(code, message);
    }
  }

  #failureOf(error: unknown): Failure {
    const failure = failureOf(error);
    if (failure.status === 500) this.#logger.error(error);
    return failure;
  }

  #leave(room: Room, member: Member): void {
    room.delete(member);
    if (room.members.size === 0) this.#rooms.delete(room.id);
  }

  /** Pings everyone, and lets go of those who were silent since the last time. */
  #beat(): void {
    // No span of time: a timer may come late, and the answer to the last pings came soon after them.
    const pingedAt = this.#pingedAt;
    this.#pingedAt = performance.now();
    for (const { socket, heardAt } of this.#members()) {
      if (heardAt < pingedAt) socket.terminate();
      else socket.ping();
    }
  }

  *#members(): Iterable<Member> {
    for (const room of this.#rooms.values()) yield* room.members;
  }

  beforeApplicationShutdown(): void {
    this.#stopping = true;
    clearInterval(this.#heartbeat);
    this.#review?.stop();
    for (const member of this.#members()) member.close(CLOSURE.SERVICE_RESTART);
  }
}

function isHandshake({ method, url, headers }: IncomingMessage, { path }: SocketEndpoint): boolean {
  return method === 'GET' && url!.split('?', 1)[0] === path && headers.upgrade?.toLowerCase() === 'websocket';
}

function parse(data: RawData): unknown {
  try {
    return JSON.parse((data as Buffer).toString());
  } catch {
    return undefined;
  }
}

/** In the envelope of every other error. */
function refuse(stream: Duplex, { status, code, message }: Failure): void {
  const body = JSON.stringify({ success: false, error: { code, message } });
  // A client that does not end its half would keep the connection, and with it the service's stop.
  stream.once('finish', () => stream.destroy());
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
