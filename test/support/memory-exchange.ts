import { IncomingMessage, ServerResponse, type IncomingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import { Exchange } from '@app/proxy';

export interface MemoryRequest {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: IncomingHttpHeaders;
  readonly clientAddress?: string;
}

/** An exchange without a connection. The test pushes the body into its request: `push(chunk)`, and `null` for the end. */
export function createMemoryExchange({
  method = 'GET',
  url = '/',
  headers = {},
  clientAddress = '192.0.2.1',
}: MemoryRequest = {}): Exchange {
  const request = new IncomingMessage(new Socket());
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
  Object.assign(request, { method, url, headers, rawHeaders });
  const peer = { peerAddress: clientAddress, isPeerTrusted: false, clientAddress };
  return new Exchange('id-1', request, new ServerResponse(request), peer);
}
