import type { WebSocket } from 'ws';
import type { Membership } from '../memberships/membership.js';
import type { AccessClaims } from '../tokens/access-token.js';

/** The most unsent bytes of a socket. Above it the socket is closed. */
const BACKLOG_BYTES = 4 * 1024 * 1024;

/** Milliseconds that a client has to answer a close frame. */
const ANSWER_MS = 500;

/** The reasons to close a socket. 4000 plus an HTTP status: the next handshake gets this status. */
export const CLOSURE = {
  CALL_ENDED: { code: 1000, reason: 'call ended' },
  SERVICE_RESTART: { code: 1001, reason: 'service restart' },
  TOO_FAR_BEHIND: { code: 1013, reason: 'too far behind' },
  MEMBERSHIP_UNKNOWN: { code: 1013, reason: 'membership unknown' },
  NO_MEMBER: { code: 4404, reason: 'conversation not found' },
} as const;

export type Closure = (typeof CLOSURE)[keyof typeof CLOSURE];

interface User {
  readonly user_id: string;
  readonly username: string;
}

/** One socket in a room. */
export class Member {
  /** `performance.now()` of the last received frame. */
  heardAt = performance.now();
  /** `performance.now()` of the last confirmation of its membership. */
  knownAt = performance.now();

  constructor(
    readonly socket: WebSocket,
    readonly caller: AccessClaims,
    /** The membership that is required as long as it stays; null if none is. */
    readonly membership: Membership | null,
  ) {}

  get user(): User {
    return { user_id: this.caller.user_id, username: this.caller.username };
  }

  send(event: object): void {
    this.deliver(encode(event));
  }

  deliver(message: Buffer): void {
    if (this.socket.bufferedAmount > BACKLOG_BYTES) this.close(CLOSURE.TOO_FAR_BEHIND);
    else this.socket.send(message, { binary: false });
  }

  /** Closes the socket. Nothing more is sent or received, also if the client does not answer the close frame. */
  close({ code, reason }: Closure): void {
    if (!this.isOpen) return;
    this.socket.close(code, reason);
    // A client that is far behind needs longer to reach the close frame.
    if (reason === CLOSURE.TOO_FAR_BEHIND.reason) return;
    setTimeout(() => this.socket.terminate(), ANSWER_MS).unref();
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** Sends an error. The socket stays open. */
  refuse(code: string, message: string): void {
    this.send({ type: 'error', error: { code, message } });
  }
}

/** Encodes the event once for all members. */
export function sendToAll(members: Iterable<Member>, event: object): void {
  const message = encode(event);
  for (const member of members) member.deliver(message);
}

function encode(event: object): Buffer {
  return Buffer.from(JSON.stringify(event));
}

/** Sockets that receive each other's messages. */
export class Room {
  readonly members = new Set<Member>();

  constructor(readonly id: string) {}

  send(event: object): void {
    sendToAll(this.members, event);
  }

  /** Adds a socket, and sends `join` to the others if it is the first of its user. */
  add(member: Member): void {
    if (!this.#has(member)) this.send({ type: 'join', ...member.user });
    this.members.add(member);
  }

  /** Deletes a socket, and sends `leave` to the others if it was the last of its user. */
  delete(member: Member): void {
    this.members.delete(member);
    if (!this.#has(member)) this.send({ type: 'leave', ...member.user });
  }

  #has({ user }: Member): boolean {
    return [...this.members].some((other) => other.user.user_id === user.user_id);
  }

  /** Each user once, also with several sockets. */
  users(): User[] {
    return [...new Map([...this.members].map(({ user }) => [user.user_id, user])).values()];
  }
}
