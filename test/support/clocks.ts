/** Clocks short enough to watch, nested as the product demands; event streams keep theirs. */
export const SHORT_CLOCKS = {
  CONNECT_TIMEOUT_MS: '400',
  RESPONSE_HEADERS_TIMEOUT_MS: '500',
  REQUEST_TIMEOUT_MS: '800',
  STREAM_IDLE_TIMEOUT_MS: '1000',
} as const;
