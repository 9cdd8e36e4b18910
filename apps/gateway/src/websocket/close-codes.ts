/** Close codes that the gateway sends by itself (RFC 6455, section 7.4; IANA's registry; 4000 and up are ours). */
export const CLOSE = {
  /** To a service: its client has gone, or the gateway has closed it. */
  GOING_AWAY: 1001,
  /** The client sends more messages than the route lets it. */
  POLICY_VIOLATION: 1008,
  /** The gateway or the service restarts: come back. */
  SERVICE_RESTART: 1012,
  /** The client does not read, or the gateway has no room: come back later. */
  TRY_AGAIN_LATER: 1013,
  /** The service sent what no client may get. */
  BAD_GATEWAY: 1014,
  TOKEN_EXPIRED: 4401,
  TOKEN_REVOKED: 4403,
} as const;

/** Not sent, but reported: a close frame without a code, and a connection that broke without a close frame. */
export const NO_CODE = 1005;
export const BROKEN = 1006;

/** With which codes a service's end means that it comes back (RFC 6455, section 7.4.1). */
const RESTARTS: ReadonlySet<number> = new Set([BROKEN, CLOSE.GOING_AWAY, CLOSE.SERVICE_RESTART]);

/** Whether a service that closed with this code is restarting. */
export function isRestart(code: number): boolean {
  return RESTARTS.has(code);
}

/** What went wrong with a peer's frames, by the code of the error that `ws` reports. */
export function codeOfViolation(error: Error): number | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || !code.startsWith('WS_ERR_')) return undefined;
  if (code === 'WS_ERR_INVALID_UTF8') return 1007;
  if (code === 'WS_ERR_TOO_MANY_BUFFERED_PARTS') return CLOSE.POLICY_VIOLATION;
  return code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' || code === 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH'
    ? 1009
    : 1002;
}

/** A code as a metric's label: clients may send any of 2,000 of their own. */
export function labelOf(code: number): string {
  if (code < 3000 || code === CLOSE.TOKEN_EXPIRED || code === CLOSE.TOKEN_REVOKED) return String(code);
  return code < 4000 ? '3xxx' : '4xxx';
}
