import { AuthenticationException, type Principal } from '@app/auth';
import type { RelayContext } from './relay-context.js';
import type { LiveRelay } from './relays.js';

/**
 * The one message that is for the gateway and not for the upstream, on routes that close at a token's expiry. The
 * client sends a text that begins with exactly this, a JSON object with a fresh access token of the same user:
 * `{"gateway:renew":"TOKEN"}`. The response is `{"gateway:renewed":EXP}`, with the new `exp` in seconds since 1970, or
 * `{"gateway:renewal_failed":"MESSAGE"}`, after which the old token counts on.
 */
const PREFIX = '{"gateway:renew"';

/** Longer than any token that fits into a request's headers. */
const LIMIT_BYTES = 16 * 1024;

/** Whether a client's message is for the gateway. */
export function isRenewal(data: Buffer, isBinary: boolean): boolean {
  return !isBinary && data.length <= LIMIT_BYTES && data.toString('latin1', 0, PREFIX.length) === PREFIX;
}

/** The token of a renewal; undefined if the message is broken. */
export function tokenOf(data: Buffer): string | undefined {
  try {
    const message = JSON.parse(data.toString()) as Record<string, unknown>;
    const token = message['gateway:renew'];
    return typeof token === 'string' ? token : undefined;
  } catch {
    return undefined;
  }
}

/** Whose token a relay has, from its handshake or from a renewal. */
export class RelaySession {
  private current: Principal | undefined;

  constructor(
    private readonly relay: LiveRelay,
    private readonly context: Pick<RelayContext, 'authenticator' | 'live'>,
  ) {}

  /** Undefined on routes that ask for no token. */
  get principal(): Principal | undefined {
    return this.current;
  }

  get isExpired(): boolean {
    return this.current !== undefined && this.context.authenticator.isExpired(this.current);
  }

  /** Lets revocation find the relay by this principal. */
  setPrincipal(principal: Principal | undefined): void {
    this.context.live.index(this.relay, principal, this.current);
    this.current = principal;
  }

  /** Takes the token of a renewal, if it is valid and of the same user. @returns the response */
  async renew(data: Buffer): Promise<string> {
    try {
      const token = tokenOf(data);
      if (token === undefined) throw new AuthenticationException('invalid_format');
      const principal = await this.context.authenticator.verify(token);
      if (principal.userId !== this.current?.userId) throw new AuthenticationException('invalid_token');
      if (!this.relay.isEnded) {
        this.setPrincipal(principal);
        this.relay.request.dialer.setToken(token);
      }
      return JSON.stringify({ 'gateway:renewed': principal.expiresAt });
    } catch (error) {
      const message = error instanceof AuthenticationException ? error.message : 'Renewal failed';
      return JSON.stringify({ 'gateway:renewal_failed': message });
    }
  }
}
