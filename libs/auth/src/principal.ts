import type { IncomingMessage } from 'node:http';
import { exchangeOf, type Principal } from '@app/proxy';

export type { Principal } from '@app/proxy';

/** The principals of requests that have no exchange: those of an application without the gateway. */
const principals = new WeakMap<IncomingMessage, Principal>();

/** The principal of a request; undefined if neither a gate nor a guard has authenticated it. */
export function principalOf(request: IncomingMessage): Principal | undefined {
  const exchange = exchangeOf(request);
  return exchange ? exchange.principal : principals.get(request);
}

export function setPrincipal(request: IncomingMessage, principal: Principal): void {
  const exchange = exchangeOf(request);
  if (exchange) exchange.principal = principal;
  else principals.set(request, principal);
}
