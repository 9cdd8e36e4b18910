import type { IncomingMessage, Server } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  BadRequestException,
  ForbiddenException,
  HttpException,
  Inject,
  Injectable,
  NotFoundException,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { Id } from '../id.schema.js';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { AccessTokenVerifier } from '../tokens/access-token.verifier.js';
import { Member, Room } from './room.js';

/** One WebSocket path, whose sockets meet in rooms. */
export interface SocketEndpoint {
  readonly path: string;
  /** The query's parameter that names the room. */
  readonly parameter: string;
  /** @throws HttpException where the caller may not enter */
  admit?(caller: AccessClaims, roomId: string): void;
  /** @param event whatever JSON the member sent */
  receive(member: Member, room: Room, event: unknown): void;
}

/** What a client that offers subprotocols gets; a browser demands that one is chosen. */
const SUBPROTOCOL = 'secureconnect.v1';
const MESSAGE_LIMIT_BYTES = 1024 * 1024;
const HEARTBEAT_MS = 60_000;
const ANSWER_MS = 500;

/** Serves WebSockets: who may enter which room, who is in it, and who has gone. */
@Injectable()
export class SocketServer implements BeforeApplicationShutdown {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_LIMIT_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  readonly #rooms = new Map<string, Room>();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly tokens: AccessTokenVerifier,
    @Inject(SERVICE_CONFIG) private readonly config: ServiceConfig,
  ) {}

  /** Takes every upgrade of the server; to be called once. */
  serve(endpoint: SocketEndpoint): void {
    const server: Server = this.adapterHost.httpAdapter.getHttpServer();
    server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      stream.on('error', () => stream.destroy());
      void this.#open(endpoint, request, stream, head);
    });
    const every = this.config.heartbeatMs ?? HEARTBEAT_MS;
    this.#heartbeat = setInterval(() => this.#beat(every), every).unref();
  }

  async #open(
    endpoint: SocketEndpoint,
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
  ): Promise<void> {
    try {
      const { caller, roomId } = await this.#admit(endpoint, request);
      this.#sockets.handleUpgrade(request, stream, head, (socket) => {
        this.#enter(endpoint, roomId, new Member(socket, caller));
      });
    } catch (error) {
      refuse(stream, error);
    }
  }

  async #admit(
    endpoint: SocketEndpoint,
    { url, headers }: IncomingMessage,
  ): Promise<{ caller: AccessClaims; roomId: string }> {
    const { path, parameter } = endpoint;
    const target = new URL(url!, 'http://localhost');
    if (target.pathname !== path) throw new NotFoundException('Not found');
    const origins = this.config.allowedOrigins ?? [];
    if (!origins.includes(headers.origin ?? '')) throw new ForbiddenException('Origin not allowed');
    const caller = await this.tokens.verify(headers.authorization);
    const id = Id.safeParse(target.searchParams.get(parameter));
    if (!id.success) throw new BadRequestException(`${parameter} must be a UUID`);
    endpoint.admit?.(caller, id.data);
    return { caller, roomId: id.data };
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
      const event = isBinary ? undefined : parse(data);
      if (event === undefined) member.refuse('INVALID_MESSAGE', 'Messages are JSON');
      else endpoint.receive(member, room, event);
    });
    socket.once('close', () => this.#leave(room, member));
    this.#rooms.set(roomId, room);
    room.members.add(member);
    member.send({ type: 'joined', [endpoint.parameter]: room.id, users: room.users() });
    room.send({ type: 'join', ...member.user }, member);
  }

  #leave(room: Room, member: Member): void {
    room.members.delete(member);
    room.send({ type: 'leave', ...member.user });
    if (room.members.size === 0) this.#rooms.delete(room.id);
  }

  /** Pings everyone, and lets go of those who were silent since the last time. */
  #beat(everyMs: number): void {
    const now = performance.now();
    for (const { socket, heardAt } of this.#members()) {
      if (now - heardAt > everyMs) socket.terminate();
      else socket.ping();
    }
  }

  *#members(): Iterable<Member> {
    for (const room of this.#rooms.values()) yield* room.members;
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#heartbeat);
    for (const { socket } of this.#members()) close(socket);
  }
}

/** With a moment to answer. */
function close(socket: WebSocket): void {
  socket.close(1001, 'service restart');
  setTimeout(() => socket.terminate(), ANSWER_MS).unref();
}

function parse(data: RawData): unknown {
  try {
    return JSON.parse((data as Buffer).toString());
  } catch {
    return undefined;
  }
}

/** In the envelope of every other error. */
function refuse(stream: Duplex, error: unknown): void {
  const [status, message] =
    error instanceof HttpException ? [error.getStatus(), error.message] : [500, 'Internal server error'];
  const phrase = STATUS_CODES[status]!;
  const code = phrase.toUpperCase().replaceAll(' ', '_');
  const body = JSON.stringify({ success: false, error: { code, message } });
  stream.end(
    `HTTP/1.1 ${status} ${phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
