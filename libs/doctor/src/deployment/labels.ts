import type { Sourced } from '../files/sourced.js';
import type { ComposeService } from './service.js';
import { composeMs } from './units.js';

/** Node's default, the shortest among common servers. */
const NODE_KEEP_ALIVE_MS = 5_000;

export const KEEP_ALIVE_LABEL = 'gateway.keep-alive';
const RESPONSE = 'gateway.response-timeout';
const WEBSOCKET = 'gateway.websocket-read-timeout';

/**
 * The time for which a service keeps an unused connection, in milliseconds. The doctor does not read the code of services,
 * so a label of the compose file has it: `gateway.keep-alive: 65s`. Default: 5 s, Node's default.
 */
export function keepAliveOf(service: ComposeService): Sourced<number> {
  const text = `no label ${KEEP_ALIVE_LABEL}: Node's default of 5 s`;
  return duration(service, KEEP_ALIVE_LABEL) ?? { value: NODE_KEEP_ALIVE_MS, text, at: service.at };
}

/** The time after which a service has responded or given up, in milliseconds; undefined without the label. */
export function responseTimeoutOf(service: ComposeService): Sourced<number> | undefined {
  return duration(service, RESPONSE);
}

/** The time for which a service lets a WebSocket be silent, in milliseconds; undefined without the label. */
export function websocketReadTimeoutOf(service: ComposeService): Sourced<number> | undefined {
  return duration(service, WEBSOCKET);
}

function duration(service: ComposeService, label: string): Sourced<number> | undefined {
  const source = service.label(label);
  return source && composeMs(source);
}
