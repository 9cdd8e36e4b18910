/** Who a valid access token speaks for. */
export interface Principal {
  readonly userId: string;
  readonly email: string;
  readonly username: string;
  /** Empty if the tokens have no role. */
  readonly role: string;
  /** The token's `jti`, by which it is revoked. */
  readonly tokenId: string;
  /** The token's `sid`: the session, by which all its tokens are revoked. Undefined if the token names none. */
  readonly sessionId: string | undefined;
  /** The token's `exp`, in seconds since 1970. */
  readonly expiresAt: number;
  /** All claims of the token; undefined for a principal that comes from no token. */
  readonly claims?: Readonly<Record<string, unknown>>;
}
