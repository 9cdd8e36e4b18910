import type { Membership } from '../memberships/membership.js';
import type { AccessClaims } from '../tokens/access-token.js';
import type { Closure, Member, Room } from './room.js';

/** One WebSocket path, whose sockets meet in rooms. */
export interface SocketEndpoint {
  readonly path: string;
  /** The query's parameter that names the room. */
  readonly parameter: string;
  /** Of one message; a longer one is answered with an error. Default: the socket's limit, past which it is closed. */
  readonly messageLimitBytes?: number;
  /** Gives what must hold for as long as the caller stays, or null. @throws HttpException if the caller may not enter */
  admit(caller: AccessClaims, roomId: string): Promise<Membership | null>;
  /** @param event whatever JSON the member sent */
  receive(member: Member, room: Room, event: unknown): void;
  /** Those of the rooms that nobody may stay in any more, and why. */
  findClosed?(roomIds: readonly string[]): ReadonlyMap<string, Closure>;
}
