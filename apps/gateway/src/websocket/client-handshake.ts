import { responseHeadersFor, type Exchange } from '@app/proxy';
import type { UpstreamWebSocket } from './upstream-websocket.js';

/** What a client's 101 says beside the handshake itself. */
export interface ClientHandshake {
  /** The one that the service chose; empty where it chose none. */
  readonly subprotocol: string;
  /** Whole lines. */
  readonly headers: readonly string[];
}

/** The service's choice and its own headers, and what the gateway adds. */
export function createClientHandshake(
  exchange: Exchange,
  { response, subprotocol }: UpstreamWebSocket,
): ClientHandshake {
  const raw = response.rawHeaders.map((text) => Buffer.from(text, 'latin1'));
  const { headers } = responseHeadersFor(raw, exchange.responseHeaders, 101, false);
  const lines: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const [name, value] = [headers[index]!, headers[index + 1]!];
    // `ws` writes UTF-8: bytes past ASCII would not arrive as they are.
    if (/^sec-websocket-|^content-length$/i.test(name) || /[^\t -~]/.test(value)) continue;
    lines.push(`${name}: ${value}`);
  }
  return { subprotocol, headers: lines };
}
