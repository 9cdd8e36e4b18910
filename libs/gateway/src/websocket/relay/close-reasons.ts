/** Close codes (RFC 6455, section 7.4.1; 1012 to 1014 from IANA's registry of WebSocket close codes). */
export const CODE = {
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  /** Never sent: `ws` reports it for a close frame without a code. */
  NONE: 1005,
  /** Never sent: `ws` reports it for a connection that broke without a close frame. */
  BROKEN: 1006,
  INVALID_PAYLOAD: 1007,
  POLICY_VIOLATION: 1008,
  MESSAGE_TOO_BIG: 1009,
  INTERNAL_ERROR: 1011,
  SERVICE_RESTART: 1012,
  TRY_AGAIN_LATER: 1013,
  BAD_GATEWAY: 1014,
  /** Applications define codes from 4000 on. */
  TOKEN_EXPIRED: 4401,
  TOKEN_REVOKED: 4403,
} as const;

/** Code and reason of a close frame. */
export interface CloseReason {
  readonly code: number;
  readonly reason: string | Buffer;
}

/** The close reasons of the gateway itself. */
export const CLOSE_REASON = {
  /** Sent to an upstream only. */
  CLIENT_GONE: { code: CODE.GOING_AWAY, reason: 'client gone' },
  TOO_MANY_MESSAGES: { code: CODE.POLICY_VIOLATION, reason: 'too many messages' },
  RESTART: { code: CODE.SERVICE_RESTART, reason: 'service restart' },
  SERVER_BUFFERS_FULL: { code: CODE.TRY_AGAIN_LATER, reason: 'server buffers are full' },
  CLIENT_STALLED: { code: CODE.TRY_AGAIN_LATER, reason: 'client does not read' },
  UPSTREAM_STALLED: { code: CODE.TRY_AGAIN_LATER, reason: 'service does not read' },
  MESSAGE_TOO_SLOW: { code: CODE.TRY_AGAIN_LATER, reason: 'message too slow' },
  /** A class of the route failed. */
  INTERNAL_ERROR: { code: CODE.INTERNAL_ERROR, reason: 'internal error' },
  /** The upstream broke a rule of the protocol. */
  BAD_GATEWAY: { code: CODE.BAD_GATEWAY, reason: 'bad gateway' },
  TOKEN_EXPIRED: { code: CODE.TOKEN_EXPIRED, reason: 'token expired' },
  TOKEN_REVOKED: { code: CODE.TOKEN_REVOKED, reason: 'token revoked' },
} as const satisfies Record<string, CloseReason>;

/** Close codes of an upstream that is restarting. */
const RESTARTS: ReadonlySet<number> = new Set([CODE.BROKEN, CODE.GOING_AWAY, CODE.SERVICE_RESTART]);

/** Whether an upstream that closed with this code is restarting. */
export function isRestart(code: number): boolean {
  return RESTARTS.has(code);
}

/** Close codes that the gateway sends for frames that break a rule, by its error code. 1002 for all other errors. */
const VIOLATIONS: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: CODE.INVALID_PAYLOAD,
  WS_ERR_INVALID_COMPRESSED_DATA: CODE.INVALID_PAYLOAD,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: CODE.POLICY_VIOLATION,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CODE.MESSAGE_TOO_BIG,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: CODE.MESSAGE_TOO_BIG,
};

/** The close code for frames that break a rule, from the error of `ws`; undefined for other errors. */
export function toViolationCode({ code }: NodeJS.ErrnoException): number | undefined {
  return code?.startsWith('WS_ERR_') ? (VIOLATIONS[code] ?? CODE.PROTOCOL_ERROR) : undefined;
}

/** The label of a close code in metrics. Codes from 3000 on are grouped, since clients may send any of 2,000. */
export function toCodeLabel(code: number): string {
  if (code < 3000 || code === CODE.TOKEN_EXPIRED || code === CODE.TOKEN_REVOKED) return String(code);
  return code < 4000 ? '3xxx' : '4xxx';
}
