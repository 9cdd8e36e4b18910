import type { IncomingMessage, ServerResponse } from 'node:http';
import { exchangeOf, InvalidRequestException, isHttpMethod, nominatedEndToEnd } from '@app/proxy/internal';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { connectionOf } from './client-connection.js';
import { ExpectationFailedException, MethodNotImplementedException } from './exceptions.js';
import { copyParsedBytes } from './node-internals.js';
import { isHost, sentTargetOf, targetFault } from './request-target.js';

/** Refuses requests that Node's parser accepts and a gateway must not forward, and ends their connection. */
@Injectable()
export class RequestGrammarMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  /** @throws InvalidRequestException, MethodNotImplementedException, ExpectationFailedException */
  use(request: IncomingMessage, _response: ServerResponse, next: () => void): void {
    const reason = grammarFault(request);
    if (reason !== undefined) {
      exchangeOf(request)!.endConnection();
      throw new InvalidRequestException(reason);
    }
    // A method of RTSP, which the parser accepts.
    if (!isHttpMethod(request.method!)) {
      exchangeOf(request)!.endConnection();
      throw new MethodNotImplementedException();
    }
    if (expectsUnknown(request)) {
      exchangeOf(request)!.endConnection();
      throw new ExpectationFailedException();
    }
    next();
  }
}

/**
 * The reason to refuse a request that Node's parser has accepted; undefined if there is none. Reasons are:
 * - HTTP/0.9, HTTP/2.0 in plain text, and RTSP, whose first line the parser accepts as HTTP;
 * - a target without an origin-form (RFC 9112, section 3.2), see `toOriginForm`;
 * - a missing Host in HTTP/1.1, more than one Host, or an invalid one (RFC 9112, section 3.2);
 * - more than one Authorization field: the gateway would check one, and the upstream might use another;
 * - a `Connection` that names an end-to-end field (RFC 9110, section 7.6.1): the gateway would decide by a field that
 *   it then removes from the request to the upstream;
 * - a transfer coding other than chunked, which would be lost on the way, or any transfer coding in HTTP/1.0, whose
 *   clients may not know it (RFC 9112, section 6.1).
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
  if (host === undefined && httpVersionMinor === 1) return 'Host header required';
  if (host !== undefined && !isHost(host)) return 'Invalid Host header';
  return targetFault(request);
}

/** Node's own pattern for `Expect: 100-continue`. Node sends the 100 itself unless the server has a listener for it. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/** Whether the client waits for `100 Continue` before it sends its body. False in HTTP/1.0, which has no `Expect`. */
export function expectsContinue({ headers, httpVersionMinor }: IncomingMessage): boolean {
  return headers.expect !== undefined && httpVersionMinor === 1 && CONTINUE.test(headers.expect);
}

/** Whether a request has an `Expect` other than `100-continue`, the only defined one (RFC 9110, section 10.1.1). */
export function expectsUnknown(request: IncomingMessage): boolean {
  const { headers, httpVersionMinor } = request;
  return headers.expect !== undefined && httpVersionMinor === 1 && !expectsContinue(request);
}

/** Empty lines before a request are ignored (RFC 9112, section 2.2). */
const CR = 13;
const LF = 10;

/**
 * Whether the first request of a connection is RTSP. The parser accepts RTSP as HTTP; only the raw bytes show the
 * difference. Reading them costs a copy, so only the first request of each connection is checked: a client of another
 * protocol uses that protocol from the start. The gateway sends a later RTSP request to the upstream as HTTP/1.1.
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
  const position = start + request.method!.length + sentTargetOf(request).length + 2;
  return bytes.toString('latin1', position, position + 5) === 'RTSP/';
}
