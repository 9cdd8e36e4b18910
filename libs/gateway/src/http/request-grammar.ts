import type { IncomingMessage } from 'node:http';
import { nominatedEndToEnd } from '@app/proxy';
import { connectionOf } from './client-connection.js';
import { copyParsedBytes } from './node-internals.js';

/** A host with an optional port (RFC 3986, section 3.2.2), as far as characters go. */
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/**
 * What is wrong with a request that Node's parser let through, or undefined:
 * - HTTP/0.9, HTTP/2.0 in plain text, and RTSP, whose first line the parser takes for HTTP;
 * - no Host in HTTP/1.1, more than one, or one that is no host (RFC 9112, section 3.2);
 * - two Authorization fields: the gateway would check one, the service could believe the other;
 * - a `Connection` that takes a field from the service by which the gateway decides (RFC 9110, section 7.6.1);
 * - a transfer coding besides chunked, which would be lost on the way, or any in HTTP/1.0, where the peer may not
 *   know it (RFC 9112, section 6.1).
 */
export function grammarFault(request: IncomingMessage): string | undefined {
  const { httpVersionMajor, httpVersionMinor, rawHeaders } = request;
  if (httpVersionMajor !== 1 || httpVersionMinor > 1) return 'Unsupported protocol version';
  if (isOtherProtocol(request)) return 'Unsupported protocol';
  let hosts = 0;
  let authorizations = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length === 4) {
      if (name === 'Host' || name.toLowerCase() === 'host') hosts++;
    } else if (name.length === 13 && name.toLowerCase() === 'authorization') {
      authorizations++;
    }
  }
  if (hosts > 1) return 'Duplicate Host header';
  if (authorizations > 1) return 'Duplicate Authorization header';
  const { connection, host, 'transfer-encoding': coding } = request.headers;
  if (nominatedEndToEnd(connection) !== undefined) return 'Connection header names an end-to-end header';
  if (coding !== undefined && (httpVersionMinor === 0 || coding.toLowerCase() !== 'chunked')) {
    return 'Unsupported transfer coding';
  }
  if (host === undefined) return httpVersionMinor === 1 ? 'Host header required' : undefined;
  return HOST.test(host) ? undefined : 'Invalid Host header';
}

/** Node's own test for `Expect: 100-continue`; it answers such a request by itself unless somebody else does. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/** Whether the client waits for `100 Continue` before it sends its body; HTTP/1.0 knows no such thing. */
export function expectsContinue({ headers, httpVersionMinor }: IncomingMessage): boolean {
  return headers.expect !== undefined && httpVersionMinor === 1 && CONTINUE.test(headers.expect);
}

/** Whether the client expects what no HTTP/1.1 server knows (RFC 9110, section 10.1.1). */
export function expectsUnknown(request: IncomingMessage): boolean {
  const { headers, httpVersionMinor } = request;
  return headers.expect !== undefined && httpVersionMinor === 1 && !expectsContinue(request);
}

/** Empty lines before a request are none of its (RFC 9112, section 2.2). */
const CR = 13;
const LF = 10;

/**
 * The parser takes RTSP for HTTP and tells nobody; only the raw bytes do. They cost a copy, so the first
 * request of each connection is looked at: a client of another protocol has it wrong from the start. What slips
 * through goes to the service as HTTP/1.1 all the same.
 */
function isOtherProtocol(request: IncomingMessage): boolean {
  const { socket } = request;
  const connection = connectionOf(socket);
  if (connection.isHttp) return false;
  connection.isHttp = true;
  const bytes = copyParsedBytes(socket);
  if (!bytes) return false;
  let start = 0;
  while (bytes[start] === CR || bytes[start] === LF) start++;
  const position = start + request.method!.length + request.url!.length + 2;
  return bytes.toString('latin1', position, position + 5) === 'RTSP/';
}
