import type { Membership } from '../memberships/membership.js';
import type { AccessClaims } from '../tokens/access-token.js';
import type { Closure, Member, Room } from './room.js';

/** A WebSocket path and the handler of its messages. */
export interface SocketEndpoint {
  readonly path: string;
  /** The query parameter with the id of the room. */
  readonly parameter: string;
  /** Bytes of one message. A larger message gets an error. Default: 1 MiB, above which the socket is closed. */
  readonly messageLimitBytes?: number;
  /** Returns the membership that the caller must keep, or null if none. @throws HttpException if the caller may not enter */
  requireMembership(caller: AccessClaims, roomId: string): Promise<Membership | null>;
  /** @param event the JSON value of the message, not validated */
  receive(member: Member, room: Room, event: unknown): void;
  /** The rooms among these that are to be closed, with the reason. */
  findClosed?(roomIds: readonly string[]): ReadonlyMap<string, Closure>;
}
