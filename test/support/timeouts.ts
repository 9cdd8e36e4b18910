/** Timeouts short enough for tests, in the order that the settings demand. Those of event streams keep their defaults. */
export const SHORT_TIMEOUTS = {
  CONNECT_TIMEOUT_MS: '400',
  RESPONSE_HEADERS_TIMEOUT_MS: '500',
  REQUEST_TIMEOUT_MS: '800',
  STREAM_IDLE_TIMEOUT_MS: '1000',
} as const;
