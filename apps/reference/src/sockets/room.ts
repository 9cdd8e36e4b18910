import type { WebSocket } from 'ws';
import type { AccessClaims } from '../tokens/access-token.js';

/** Bytes that a reader may be behind before it is let go. */
const BACKLOG_BYTES = 4 * 1024 * 1024;

interface User {
  readonly user_id: string;
  readonly username: string;
}

/** One socket in a room. */
export class Member {
  /** `performance.now()` of the last frame that came. */
  heardAt = performance.now();

  constructor(
    readonly socket: WebSocket,
    readonly caller: AccessClaims,
  ) {}

  get user(): User {
    return { user_id: this.caller.user_id, username: this.caller.username };
  }

  send(event: object): void {
    if (this.socket.bufferedAmount > BACKLOG_BYTES) this.socket.close(1013, 'too far behind');
    else this.socket.send(JSON.stringify(event));
  }

  /** Tells of something that was not done; the socket stays. */
  refuse(code: string, message: string): void {
    this.send({ type: 'error', error: { code, message } });
  }
}

/** The sockets that hear one another. */
export class Room {
  readonly members = new Set<Member>();

  constructor(readonly id: string) {}

  send(event: object): void {
    for (const member of this.members) member.send(event);
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
