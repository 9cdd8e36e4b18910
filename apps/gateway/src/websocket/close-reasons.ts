/** Close codes (RFC 6455, section 7.4.1; 1012 to 1014 from IANA's registry of WebSocket close codes). */
export const CODE = {
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  /** Not sent, but reported: a close frame without a code. */
  NONE: 1005,
  /** Not sent, but reported: a connection that broke without a close frame. */
  BROKEN: 1006,
  INVALID_PAYLOAD: 1007,
  POLICY_VIOLATION: 1008,
  MESSAGE_TOO_BIG: 1009,
  INTERNAL_ERROR: 1011,
  SERVICE_RESTART: 1012,
  TRY_AGAIN_LATER: 1013,
  BAD_GATEWAY: 1014,
  /** 4000 and up are each application's own. */
  TOKEN_EXPIRED: 4401,
  TOKEN_REVOKED: 4403,
} as const;

/** Why a socket is closed, as its peer hears it. */
export interface CloseReason {
  readonly code: number;
  readonly reason: string;
}

/** What the gateway closes sockets with by itself. */
export const CLOSE_REASON = {
  /** To a service only. */
  CLIENT_GONE: { code: CODE.GOING_AWAY, reason: 'client gone' },
  TOO_MANY_MESSAGES: { code: CODE.POLICY_VIOLATION, reason: 'too many messages' },
  SERVICE_RESTART: { code: CODE.SERVICE_RESTART, reason: 'service restart' },
  NO_ROOM: { code: CODE.TRY_AGAIN_LATER, reason: 'no room' },
  CLIENT_STALLED: { code: CODE.TRY_AGAIN_LATER, reason: 'client does not read' },
  SERVICE_STALLED: { code: CODE.TRY_AGAIN_LATER, reason: 'service does not read' },
  MESSAGE_STALLED: { code: CODE.TRY_AGAIN_LATER, reason: 'message too slow' },
  /** A class of the route failed. */
  INTERNAL_ERROR: { code: CODE.INTERNAL_ERROR, reason: 'internal error' },
  /** The service sent what no client may get. */
  BAD_GATEWAY: { code: CODE.BAD_GATEWAY, reason: 'bad gateway' },
  TOKEN_EXPIRED: { code: CODE.TOKEN_EXPIRED, reason: 'token expired' },
  TOKEN_REVOKED: { code: CODE.TOKEN_REVOKED, reason: 'token revoked' },
} as const satisfies Record<string, CloseReason>;

/** With which codes a service's end means that it comes back. */
const RESTARTS: ReadonlySet<number> = new Set([CODE.BROKEN, CODE.GOING_AWAY, CODE.SERVICE_RESTART]);

/** Whether a service that closed with this code is restarting. */
export function isRestart(code: number): boolean {
  return RESTARTS.has(code);
}

/** What `ws` closes a peer with for frames that break a rule; 1002 for every error that is not here. */
const VIOLATIONS: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: CODE.INVALID_PAYLOAD,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: CODE.POLICY_VIOLATION,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CODE.MESSAGE_TOO_BIG,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: CODE.MESSAGE_TOO_BIG,
};

/** What went wrong with a peer's frames, by the code of the error that `ws` reports; undefined for other errors. */
export function codeOfViolation({ code }: NodeJS.ErrnoException): number | undefined {
  return code?.startsWith('WS_ERR_') ? (VIOLATIONS[code] ?? CODE.PROTOCOL_ERROR) : undefined;
}

/** A code as a metric's label: clients may send any of 2,000 of their own. */
export function labelOf(code: number): string {
  if (code < 3000 || code === CODE.TOKEN_EXPIRED || code === CODE.TOKEN_REVOKED) return String(code);
  return code < 4000 ? '3xxx' : '4xxx';
}
