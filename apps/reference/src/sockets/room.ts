import type { WebSocket } from 'ws';
import type { Membership } from '../memberships/membership.js';
import type { AccessClaims } from '../tokens/access-token.js';

/** Bytes that a reader may be behind before it is let go. */
const BACKLOG_BYTES = 4 * 1024 * 1024;

/** Milliseconds that a client has to answer a close frame. */
const ANSWER_MS = 500;

/** Why a socket is closed: 4000 and up are this system's own, with the HTTP status that the next handshake gets. */
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
  /** `performance.now()` of the last frame that came. */
  heardAt = performance.now();
  /** `performance.now()` of the last time that it was known to be a member. */
  knownAt = performance.now();

  constructor(
    readonly socket: WebSocket,
    readonly caller: AccessClaims,
    /** What must hold for as long as it stays; null if nothing must. */
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

  /** Closes the socket. Nothing more is sent on it or heard from it, however long the client takes. */
  close({ code, reason }: Closure): void {
    if (!this.isOpen) return;
    this.socket.close(code, reason);
    // Who is far behind needs longer to read as far as the close frame.
    if (reason === CLOSURE.TOO_FAR_BEHIND.reason) return;
    setTimeout(() => this.socket.terminate(), ANSWER_MS).unref();
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** Tells of something that was not done; the socket stays. */
  refuse(code: string, message: string): void {
    this.send({ type: 'error', error: { code, message } });
  }
}

/** Encodes the event once, however many they are. */
export function sendToAll(members: Iterable<Member>, event: object): void {
  const message = encode(event);
  for (const member of members) member.deliver(message);
}

function encode(event: object): Buffer {
  return Buffer.from(JSON.stringify(event));
}

/** The sockets that hear one another. */
export class Room {
  readonly members = new Set<Member>();

  constructor(readonly id: string) {}

  send(event: object): void {
    sendToAll(this.members, event);
  }

  /** Tells the others of a user; who has several sockets comes with the first and goes with the last. */
  add(member: Member): void {
    if (!this.#has(member)) this.send({ type: 'join', ...member.user });
    this.members.add(member);
  }

  delete(member: Member): void {
    this.members.delete(member);
    if (!this.#has(member)) this.send({ type: 'leave', ...member.user });
  }

  #has({ user }: Member): boolean {
    return [...this.members].some((other) => other.user.user_id === user.user_id);
  }

  /** Each user once, however many sockets. */
  users(): User[] {
    return [...new Map([...this.members].map(({ user }) => [user.user_id, user])).values()];
  }
}
