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

/** Milliseconds until a response, over all attempts: long enough for an auth-service that restarts. */
const TIMEOUT_MS = 3_000;
/** Milliseconds for one attempt, so that an instance that hangs leaves time for another. */
const ATTEMPT_TIMEOUT_MS = 1_000;
/** Milliseconds of pause once every instance has failed. */
const PAUSE_MS = 50;

/**
 * Asks auth-service who takes part in a conversation, and who has blocked whom. Nothing is cached: a change that
 * auth-service has committed counts from the next request on. If auth-service does not respond, nobody is a member, and
 * the client gets 503.
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
   * To anyone but its members, a conversation does not exist.
   *
   * @throws NotFoundException @throws ServiceUnavailableException
   */
  async requireMember(membership: Membership): Promise<void> {
    const [nonMember] = await this.findNonMembers([membership]);
    if (nonMember) throw new NotFoundException('Conversation not found');
  }

  /** Those of the memberships that do not hold. @throws ServiceUnavailableException */
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
   * None of the users may have blocked one of the others, nor the other way round. Without an auth-service there are no
   * blocks.
   *
   * @throws BlockedException @throws ServiceUnavailableException
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

  /** @param parse gives the result, or throws if another instance is to be asked */
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
    this.#logger.warn(`auth-service did not answer ${path}: ${describe(reason)}`);
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

/** `fetch` says only that it failed; its cause says why. */
function describe(reason: unknown): string {
  if (!types.isNativeError(reason)) return String(reason);
  return types.isNativeError(reason.cause) ? reason.cause.message : reason.message;
}
