import { Logger } from '@nestjs/common';
import { AuthServiceClient } from '../memberships/auth-service.client.js';
import { CLOSURE, type Member, type Room } from './room.js';
import type { SocketEndpoint } from './socket.endpoint.js';

/** Milliseconds between two reviews: a user who may not stay is removed within a second. */
const PERIOD_MS = 400;
/**
 * Milliseconds for which a socket stays while auth-service does not respond. There is a limit because auth-service may be
 * running, and out of reach of this service only.
 */
const UNKNOWN_TIMEOUT_MS = 30_000;

/** Closes sockets whose users may no longer stay, also after a change by another process. */
export class SocketReview {
  readonly #logger = new Logger();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(
    private readonly authService: AuthServiceClient,
    private readonly endpoint: SocketEndpoint,
    private readonly rooms: ReadonlyMap<string, Room>,
    private readonly unknownTimeoutMs = UNKNOWN_TIMEOUT_MS,
  ) {
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Starts the next review after the end of the last one. */
  #schedule(): void {
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#review(), PERIOD_MS).unref();
  }

  async #review(): Promise<void> {
    try {
      this.#closeRooms();
      await this.#closeNonMembers();
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

  async #closeNonMembers(): Promise<void> {
    const asked = [...this.rooms.values()]
      .flatMap(({ members }) => [...members])
      .flatMap((member) => (member.membership ? [{ ...member.membership, member }] : []));
    if (asked.length === 0) return;
    const askedAt = performance.now();
    let nonMembers: Set<Member>;
    try {
      nonMembers = new Set((await this.authService.findNonMembers(asked)).map(({ member }) => member));
    } catch {
      // `AuthServiceClient` has logged the reason.
      for (const { member } of asked) {
        if (performance.now() - member.knownAt > this.unknownTimeoutMs)
          member.close(CLOSURE.MEMBERSHIP_UNKNOWN);
      }
      return;
    }
    for (const { member } of asked) {
      if (nonMembers.has(member)) member.close(CLOSURE.NO_MEMBER);
      else member.knownAt = askedAt;
    }
  }
}
