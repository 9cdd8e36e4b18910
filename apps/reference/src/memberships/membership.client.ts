import { Inject, Injectable, Logger, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { types } from 'node:util';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';
import { ServiceTokens } from '../tokens/service-tokens.js';
import { MAX_MEMBERSHIPS, MembershipResponse, MEMBERSHIPS_PATH, type Membership } from './membership.js';

/** Milliseconds until a response, over all attempts: long enough for an auth-service that restarts. */
const TIMEOUT_MS = 3_000;
/** Milliseconds for one attempt, so that an instance that hangs leaves time for another. */
const ATTEMPT_TIMEOUT_MS = 1_000;
/** Milliseconds of pause once every instance has failed. */
const PAUSE_MS = 50;

/**
 * Asks auth-service who takes part in a conversation. No membership is cached: a change that auth-service has committed
 * counts from the next request on. If auth-service does not respond, nobody is a member, and the client gets 503.
 */
@Injectable()
export class MembershipClient {
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
  async require(membership: Membership): Promise<void> {
    const [stranger] = await this.findStrangers([membership]);
    if (stranger) throw new NotFoundException('Conversation not found');
  }

  /** Those of the memberships that do not hold. @throws ServiceUnavailableException */
  async findStrangers<M extends Membership>(memberships: readonly M[]): Promise<M[]> {
    const strangers: M[] = [];
    for (let start = 0; start < memberships.length; start += MAX_MEMBERSHIPS) {
      const part = memberships.slice(start, start + MAX_MEMBERSHIPS);
      const areMembers = await this.#ask(part);
      strangers.push(...part.filter((_, at) => !areMembers[at]));
    }
    return strangers;
  }

  async #ask(memberships: readonly Membership[]): Promise<boolean[]> {
    const { length: count } = this.#instances;
    if (count === 0) throw this.#unknown('AUTH_SERVICE_URL is not set');
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    const pairs = memberships.map(({ conversation_id, user_id }) => ({ conversation_id, user_id }));
    const body = JSON.stringify({ memberships: pairs });
    let reason: unknown;
    const first = this.#current;
    for (let attempts = 0; !deadline.aborted; attempts++) {
      if (attempts > 0 && attempts % count === 0) await delay(PAUSE_MS);
      const instance = (first + attempts) % count;
      try {
        const areMembers = await this.#attempt(this.#instances[instance]!, body, deadline);
        this.#current = instance;
        if (areMembers.length === pairs.length) return areMembers;
        reason = `${areMembers.length} results for ${pairs.length} memberships`;
      } catch (error) {
        reason = error;
      }
    }
    throw this.#unknown(reason);
  }

  #unknown(reason: unknown): ServiceUnavailableException {
    this.#logger.warn(`memberships are unknown: ${describe(reason)}`);
    return new ServiceUnavailableException('Memberships are unknown', { errorCode: 'MEMBERSHIPS_UNKNOWN' });
  }

  async #attempt(instance: string, body: string, deadline: AbortSignal): Promise<boolean[]> {
    const response = await fetch(`${instance}${MEMBERSHIPS_PATH}`, {
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
    return MembershipResponse.parse(JSON.parse(text)).data;
  }
}

/** `fetch` says only that it failed; its cause says why. */
function describe(reason: unknown): string {
  if (!types.isNativeError(reason)) return String(reason);
  return types.isNativeError(reason.cause) ? reason.cause.message : reason.message;
}
