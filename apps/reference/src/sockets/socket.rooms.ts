import { Inject, Injectable, Logger } from '@nestjs/common';
import type { RawData } from 'ws';
import { ByteRateService, TOO_MANY_BYTES } from '../byte-rate.service.js';
import { failureOf, type Failure } from '../error.filter.js';
import { AuthServiceClient } from '../memberships/auth-service.client.js';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';
import { CLOSURE, Room, type Closure, type Member } from './room.js';
import type { SocketEndpoint } from './socket.endpoint.js';
import { SocketReview } from './socket.review.js';

/** Bytes of one message; a longer one closes its socket. */
export const MESSAGE_LIMIT_BYTES = 1024 * 1024;
/** Milliseconds between two pings, and for which a socket may be silent. */
const HEARTBEAT_MS = 60_000;

/** The rooms of an endpoint: passes messages on, pings, and closes the sockets of members that are silent or may not stay. */
@Injectable()
export class SocketRooms {
  readonly #logger = new Logger();
  readonly #rooms = new Map<string, Room>();
  #review: SocketReview | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  /** `performance.now()` of the last pings. */
  #pingedAt = 0;

  constructor(
    private readonly authService: AuthServiceClient,
    private readonly rate: ByteRateService,
    @Inject(SERVICE_CONFIG) private readonly config: ServiceConfig,
  ) {}

  /** Starts the pings and the review of memberships. To be called once. */
  start(endpoint: SocketEndpoint): void {
    const { heartbeatMs = HEARTBEAT_MS, unknownMembershipTimeoutMs } = this.config;
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs).unref();
    this.#review = new SocketReview(this.authService, endpoint, this.#rooms, unknownMembershipTimeoutMs);
  }

  /** Ends both, and closes all sockets. */
  stop(): void {
    clearInterval(this.#heartbeat);
    this.#review?.stop();
    for (const member of this.#members()) member.close(CLOSURE.SERVICE_RESTART);
  }

  /** Puts a member into a room, and serves its messages until its socket closes. */
  enter(endpoint: SocketEndpoint, roomId: string, member: Member): void {
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

  /** Counts the message before it is parsed. Sends an error and returns false if the message is past a limit. */
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

  /** Sends the member an error if the message cannot be handled. */
  #receive(endpoint: SocketEndpoint, member: Member, room: Room, event: unknown): void {
    if (event === undefined) return member.refuse('INVALID_MESSAGE', 'Messages are JSON');
    try {
      endpoint.receive(member, room, event);
    } catch (error) {
      const { code, message } = loggedFailure(error, this.#logger);
      member.refuse(code, message);
    }
  }

  /** Closes all sockets of a room in this process. */
  closeRoom(roomId: string, closure: Closure): void {
    for (const member of this.#rooms.get(roomId)?.members ?? []) member.close(closure);
  }

  #leave(room: Room, member: Member): void {
    room.delete(member);
    if (room.members.size === 0) this.#rooms.delete(room.id);
  }

  /** Pings every member, and ends the sockets of those from which nothing came since the last pings. */
  #beat(): void {
    // Compares with the last pings and not with a time span: this timer may be late.
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
}

/** An error as a client hears of it, logged if it is a fault of the service. */
export function loggedFailure(error: unknown, logger: Logger): Failure {
  const failure = failureOf(error);
  if (failure.status === 500) logger.error(error);
  return failure;
}

function parse(data: RawData): unknown {
  try {
    return JSON.parse((data as Buffer).toString());
  } catch {
    return undefined;
  }
}
