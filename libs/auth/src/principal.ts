import type { IncomingMessage } from 'node:http';
import { exchangeOf, type Principal } from '@app/proxy';

export type { Principal } from '@app/proxy';

/** The principal of a request; undefined if neither a gate nor a guard has authenticated it. */
export function principalOf(request: IncomingMessage): Principal | undefined {
  return exchangeOf(request)?.principal;
}
