import { Inject, Injectable, Logger, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { types } from 'node:util';
import { BlockedException } from '../blocked.exception.js';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';
import { ServiceTokens } from '../tokens/service-tokens.js';
import {
  BLOCKS_PATH,
  BlocksResponse,
  MAX_MEMBERSHIPS,
  MembershipResponse,
  MEMBERSHIPS_PATH,
  type Membership,
} from './membership.js';

/** Milliseconds for all attempts together: long enough for a restart of auth-service. */
const TIMEOUT_MS = 3_000;
/** Milliseconds for one attempt, so that a hanging instance leaves time for another. */
const ATTEMPT_TIMEOUT_MS = 1_000;
/** Milliseconds of pause after every instance has failed. */
const PAUSE_MS = 50;

/**
 * Asks auth-service which users take part in a conversation, and which have blocked others. Nothing is cached, so changes
 * in auth-service apply to the next request. If auth-service does not respond, clients get 503.
 */
@Injectable()
export class AuthServiceClient {
  readonly #instances: readonly string[];
  readonly #logger = new Logger();
  /** The instance that responded last. */
  #current = 0;

  constructor(
    @Inject(SERVICE_CONFIG) { authServiceUrls = [] }: ServiceConfig,
    private readonly tokens: ServiceTokens,
  ) {
    this.#instances = authServiceUrls;
  }

  /**
   * Requires that the user takes part in the conversation. For other users a conversation does not exist.
   *
   * @throws NotFoundException if the user does not
   * @throws ServiceUnavailableException if auth-service does not respond
   */
  async requireMember(membership: Membership): Promise<void> {
    const [nonMember] = await this.findNonMembers([membership]);
    if (nonMember) throw new NotFoundException('Conversation not found');
  }

  /** The memberships that do not exist. @throws ServiceUnavailableException if auth-service does not respond */
  async findNonMembers<M extends Membership>(memberships: readonly M[]): Promise<M[]> {
    const nonMembers: M[] = [];
    for (let start = 0; start < memberships.length; start += MAX_MEMBERSHIPS) {
      const part = memberships.slice(start, start + MAX_MEMBERSHIPS);
      const areMembers = await this.#askMemberships(part);
      nonMembers.push(...part.filter((_, at) => !areMembers[at]));
    }
    return nonMembers;
  }

  /**
   * Requires that no user of one list has blocked a user of the other. Without AUTH_SERVICE_URL there are no blocks.
   *
   * @throws BlockedException if one has
   * @throws ServiceUnavailableException if auth-service does not respond
   */
  async requireUnblocked(user_ids: readonly string[], other_ids: readonly string[]): Promise<void> {
    if (this.#instances.length === 0) return;
    const isBlocked = await this.#ask(BLOCKS_PATH, { user_ids, other_ids }, (response) => {
      return BlocksResponse.parse(response).data;
    });
    if (isBlocked) throw new BlockedException();
  }

  #askMemberships(asked: readonly Membership[]): Promise<boolean[]> {
    const memberships = asked.map(({ conversation_id, user_id }) => ({ conversation_id, user_id }));
    return this.#ask(MEMBERSHIPS_PATH, { memberships }, (response) => {
      const { data } = MembershipResponse.parse(response);
      if (data.length === asked.length) return data;
      throw new Error(`${data.length} results for ${asked.length} memberships`);
    });
  }

  /** @param parse returns the result, or throws, so that the next instance is asked */
  async #ask<Result>(path: string, question: object, parse: (response: unknown) => Result): Promise<Result> {
    const { length: count } = this.#instances;
    if (count === 0) throw this.#unknown(path, 'AUTH_SERVICE_URL is not set');
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    const body = JSON.stringify(question);
    let reason: unknown;
    const first = this.#current;
    for (let attempts = 0; !deadline.aborted; attempts++) {
      if (attempts > 0 && attempts % count === 0) await delay(PAUSE_MS);
      const instance = (first + attempts) % count;
      try {
        const response = await this.#attempt(`${this.#instances[instance]}${path}`, body, deadline);
        this.#current = instance;
        return parse(response);
      } catch (error) {
        reason = error;
      }
    }
    throw this.#unknown(path, reason);
  }

  #unknown(path: string, reason: unknown): ServiceUnavailableException {
    this.#logger.warn(`auth-service did not respond to ${path}: ${describe(reason)}`);
    return new ServiceUnavailableException('Memberships are unknown', { errorCode: 'MEMBERSHIPS_UNKNOWN' });
  }

  async #attempt(url: string, body: string, deadline: AbortSignal): Promise<unknown> {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${await this.tokens.sign()}`,
      },
      body,
      signal: AbortSignal.any([deadline, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`auth-service responded with ${response.status}`);
    return JSON.parse(text);
  }
}

/** The reason of a failure: an error of `fetch` has it in its cause. */
function describe(reason: unknown): string {
  if (!types.isNativeError(reason)) return String(reason);
  return types.isNativeError(reason.cause) ? reason.cause.message : reason.message;
}
