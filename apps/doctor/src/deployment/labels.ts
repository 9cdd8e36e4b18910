import type { Sourced } from './sourced.js';
import type { ComposeService } from './service.js';
import { composeMs } from './units.js';

/** Node's default keep-alive, and that of the most impatient servers in common use. */
const NODE_KEEP_ALIVE_MS = 5_000;

const KEEP_ALIVE = 'secureconnect.keep-alive';
const RESPONSE = 'secureconnect.response-timeout';
const WEBSOCKET = 'secureconnect.websocket-read-timeout';

/**
 * What a service's own code says of its clocks is in no file that the doctor reads, so a label of the compose file
 * says it: `secureconnect.keep-alive: 65s`. Without it, Node's default.
 */
export function keepAliveOf(service: ComposeService): Sourced<number> {
  const text = `no label ${KEEP_ALIVE}: Node's default of 5 s`;
  return duration(service, KEEP_ALIVE) ?? { value: NODE_KEEP_ALIVE_MS, text, at: service.at };
}

/** Until when the service answers or gives up by itself; undefined where no label says it. */
export function responseTimeoutOf(service: ComposeService): Sourced<number> | undefined {
  return duration(service, RESPONSE);
}

/** For which the service lets a WebSocket be silent; undefined where no label says it. */
export function websocketReadTimeoutOf(service: ComposeService): Sourced<number> | undefined {
  return duration(service, WEBSOCKET);
}

function duration(service: ComposeService, label: string): Sourced<number> | undefined {
  const said = service.label(label);
  return said && composeMs(said);
}
