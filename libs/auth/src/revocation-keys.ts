/** A revocation names one token by its `jti`, or a session, with all its tokens, by its id. */
export type RevocationKind = 'token' | 'session';

export interface RevokedName {
  readonly kind: RevocationKind;
  readonly id: string;
}

/** The service that ends sessions writes `blacklist:JTI` or `blacklist:session:ID`. */
export const KEY_PREFIX = 'blacklist:';

const SESSION_PREFIX = 'session:';

/**
 * The part of a key behind `blacklist:`, which also says the kind. Undefined for a `jti` that begins with `session:`: its
 * key would be the key of a session.
 */
export function formatKeyName(kind: RevocationKind, id: string): string | undefined {
  if (kind === 'session') return SESSION_PREFIX + id;
  return id.startsWith(SESSION_PREFIX) ? undefined : id;
}

/** The inverse of `formatKeyName`. */
export function parseKeyName(name: string): RevokedName {
  if (!name.startsWith(SESSION_PREFIX)) return { kind: 'token', id: name };
  return { kind: 'session', id: name.slice(SESSION_PREFIX.length) };
}
