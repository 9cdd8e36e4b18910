import { AuthenticationException, type Principal } from '@app/auth';
import type { RelayContext } from './relay-context.js';
import type { LiveRelay } from './relays.js';

/**
 * Start of a renewal, the only message that is for the gateway and not for the upstream, on routes that close at a
 * token's expiry. The client sends a text that begins with exactly this prefix, a JSON object with a fresh access token
 * of the same user: `{"gateway:renew":"TOKEN"}`. The gateway responds with `{"gateway:renewed":EXP}`, EXP being the new
 * `exp` in seconds since 1970, or with `{"gateway:renewal_failed":"MESSAGE"}`; then the relay keeps its old token.
 */
const PREFIX = '{"gateway:renew"';

/** Most bytes of a renewal. No token that fits into a request's headers is as long. */
const LIMIT_BYTES = 16 * 1024;

/** Whether a client's message is a renewal. */
export function isRenewal(data: Buffer, isBinary: boolean): boolean {
  return !isBinary && data.length <= LIMIT_BYTES && data.toString('latin1', 0, PREFIX.length) === PREFIX;
}

/** The token of a renewal; undefined if the message is malformed. */
export function tokenOf(data: Buffer): string | undefined {
  try {
    const message = JSON.parse(data.toString()) as Record<string, unknown>;
    const token = message['gateway:renew'];
    return typeof token === 'string' ? token : undefined;
  } catch {
    return undefined;
  }
}

/** The principal of a relay, from the token of its handshake or of its last renewal. */
export class RelaySession {
  private current: Principal | undefined;

  constructor(
    private readonly relay: LiveRelay,
    private readonly context: Pick<RelayContext, 'authenticator' | 'live'>,
  ) {}

  /** Undefined on routes without authentication. */
  get principal(): Principal | undefined {
    return this.current;
  }

  get isExpired(): boolean {
    return this.current !== undefined && this.context.authenticator.isExpired(this.current);
  }

  /** Sets the principal. From now on a revocation of its token or session finds the relay. */
  setPrincipal(principal: Principal | undefined): void {
    this.context.live.index(this.relay, principal, this.current);
    this.current = principal;
  }

  /** Replaces the token by that of a renewal, if it is valid and of the same user. @returns the response */
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
