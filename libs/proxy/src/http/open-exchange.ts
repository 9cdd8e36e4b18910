import type { IncomingMessage, ServerResponse } from 'node:http';
import { Exchange, exchangeOf } from './exchange.js';
import { randomId } from './random.js';
import { TrustedProxies } from './trusted-proxies.js';

/** Without the gateway's chain, nobody is believed about the client. */
const NOBODY = new TrustedProxies({ kind: 'none' });

/** The exchange of a request. Opens it in an application without the gateway's chain, which opens all others. */
export function openExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const known = exchangeOf(request);
  if (known) return known;
  const forwardedFor = request.headers['x-forwarded-for'] as string | undefined;
  const peer = NOBODY.resolve(request.socket.remoteAddress, forwardedFor);
  return new Exchange(randomId(), request, response, peer);
}
