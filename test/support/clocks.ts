/** Clocks short enough to watch, nested as the product demands; event streams keep theirs. */
export const SHORT_CLOCKS = {
  CONNECT_TIMEOUT_MS: '400',
  RESPONSE_HEADERS_TIMEOUT_MS: '500',
  ROUTE_DEADLINE_MS: '800',
  IDLE_BODY_TIMEOUT_MS: '1000',
} as const;
