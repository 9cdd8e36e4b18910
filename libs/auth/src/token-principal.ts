import type { Principal } from './principal.js';

/** The principal of a verified token. Reads the claims from the token when they are first asked for. */
export class TokenPrincipal implements Principal {
  readonly userId: string;
  readonly email: string;
  readonly username: string;
  readonly role: string;
  readonly tokenId: string;
  readonly sessionId: string | undefined;
  readonly expiresAt: number;
  /** The cache of verified tokens keeps the token too. */
  readonly #token: string;
  #claims: Readonly<Record<string, unknown>> | undefined;

  constructor(token: string, principal: Omit<Principal, 'claims'>) {
    this.userId = principal.userId;
    this.email = principal.email;
    this.username = principal.username;
    this.role = principal.role;
    this.tokenId = principal.tokenId;
    this.sessionId = principal.sessionId;
    this.expiresAt = principal.expiresAt;
    this.#token = token;
    Object.freeze(this);
  }

  get claims(): Readonly<Record<string, unknown>> {
    return (this.#claims ??= readClaims(this.#token));
  }
}

function readClaims(token: string): Readonly<Record<string, unknown>> {
  const [, payload = ''] = token.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}
