import type { IncomingMessage } from 'node:http';
import { exchangeOf, type Principal } from '@app/proxy';

export type { Principal } from '@app/proxy';

/** Whose token a request carried; undefined if nobody asked for one. */
export function principalOf(request: IncomingMessage): Principal | undefined {
  return exchangeOf(request)?.principal;
}
