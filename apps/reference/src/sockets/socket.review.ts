import { Logger } from '@nestjs/common';
import { MembershipClient } from '../memberships/membership.client.js';
import { CLOSURE, type Member, type Room } from './room.js';
import type { SocketEndpoint } from './socket.server.js';

/** Milliseconds between two reviews: whoever may not stay is out within a second. */
const PERIOD_MS = 400;
/**
 * Milliseconds for which a socket stays while auth-service does not answer. Meanwhile nobody can be removed, since it is
 * auth-service that removes, but a service that cannot reach it must not rely on that for long.
 */
const UNKNOWN_MS = 30_000;

/** Looks again and again whether those who are in rooms may stay, also after a change by another process. */
export class SocketReview {
  readonly #logger = new Logger();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(
    private readonly memberships: MembershipClient,
    private readonly endpoint: SocketEndpoint,
    private readonly rooms: ReadonlyMap<string, Room>,
    private readonly unknownMs = UNKNOWN_MS,
  ) {
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** One after the other, however long one takes. */
  #schedule(): void {
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#review(), PERIOD_MS).unref();
  }

  async #review(): Promise<void> {
    try {
      this.#closeRooms();
      await this.#closeStrangers();
    } catch (error) {
      this.#logger.error(error);
    }
    this.#schedule();
  }

  #closeRooms(): void {
    if (this.rooms.size === 0 || !this.endpoint.findClosed) return;
    for (const [id, closure] of this.endpoint.findClosed([...this.rooms.keys()])) {
      for (const member of this.rooms.get(id)?.members ?? []) member.close(closure);
    }
  }

  async #closeStrangers(): Promise<void> {
    const asked = [...this.rooms.values()]
      .flatMap(({ members }) => [...members])
      .flatMap((member) => (member.membership ? [{ ...member.membership, member }] : []));
    if (asked.length === 0) return;
    const askedAt = performance.now();
    let strangers: Set<Member>;
    try {
      strangers = new Set((await this.memberships.findStrangers(asked)).map(({ member }) => member));
    } catch {
      // The client has said why.
      for (const { member } of asked) {
        if (performance.now() - member.knownAt > this.unknownMs) member.close(CLOSURE.MEMBERSHIP_UNKNOWN);
      }
      return;
    }
    for (const { member } of asked) {
      if (strangers.has(member)) member.close(CLOSURE.NO_MEMBER);
      else member.knownAt = askedAt;
    }
  }
}
