import { hash } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { toErrorResponse, OWN_RESPONSE_HEADERS } from '../../http/error-response.js';
import { subprotocolsOf, trimWhitespace } from '@app/auth/internal';
import {
  addedHeadersFor,
  CONNECTION_FIELDS,
  formatFields,
  hasBody,
  isToken,
  phraseFor,
  responseHeadersFor,
  type Exchange,
  type ResponseHead,
} from '@app/proxy/internal';
import { HttpException } from '@nestjs/common';
import type { UpstreamWebSocket } from '../relay/relay-record.js';

/** Sixteen bytes in base64 (RFC 6455, section 4.1). */
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/;

/** The only defined version (RFC 6455, section 4.2.1). */
export const VERSION = '13';

/** Whether an `Upgrade` names WebSocket, alone or in a list (RFC 9110, section 7.8). */
export function asksForWebSocket(upgrade = ''): boolean {
  return upgrade
    .toLowerCase()
    .split(',')
    .some((protocol) => trimWhitespace(protocol) === 'websocket');
}

/** The reason to refuse an opening handshake, its version aside; undefined if it is valid (RFC 6455, section 4.2.1). */
export function handshakeFault(request: IncomingMessage): string | undefined {
  const { headers, httpVersionMinor } = request;
  if (httpVersionMinor === 0) return 'WebSocket needs HTTP/1.1';
  // The gateway would read the bytes of a body as frames.
  if (hasBody(request)) return 'WebSocket handshake must have no body';
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) return 'Invalid Sec-WebSocket-Key header';
  const offered = subprotocolsOf(headers['sec-websocket-protocol']);
  const isValid = offered.every((name) => isToken(name)) && new Set(offered).size === offered.length;
  return isValid ? undefined : 'Invalid Sec-WebSocket-Protocol header';
}

/** Removes empty elements from the list of subprotocols: `ws` refuses them in upstreams. */
export function dropEmptySubprotocols({ headers }: IncomingMessage): void {
  const offered = subprotocolsOf(headers['sec-websocket-protocol']);
  if (offered.length === 0) delete headers['sec-websocket-protocol'];
  else headers['sec-websocket-protocol'] = offered.join(', ');
}

/** An upstream's 101, with its open WebSocket. */
export interface AcceptedHandshake extends UpstreamWebSocket {
  readonly response: ResponseHead;
}

/** An upstream's response with a status other than 101. */
export interface RefusedHandshake {
  readonly response: ResponseHead;
  readonly body: Buffer;
}

/** Hashed with the key of a handshake (RFC 6455, section 1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (RFC 6455, section 4.2.2). */
export function acceptOf(key: string): string {
  return hash('sha1', key + GUID, 'base64');
}

/** A field's value with a character that HTTP does not allow. A gate's header may have any. */
const INVALID_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Formats a client's 101, with the upstream's subprotocol and headers, and the headers that the gateway adds.
 * @param extension value of `Sec-WebSocket-Extensions`; undefined if there is none
 */
export function formatAcceptance(
  exchange: Exchange,
  { response, subprotocol }: AcceptedHandshake,
  extension: string | undefined,
): string {
  const accept = acceptOf(exchange.request.headers['sec-websocket-key']!);
  const fields = ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Accept', accept];
  if (subprotocol !== '') fields.push('Sec-WebSocket-Protocol', subprotocol);
  if (extension !== undefined) fields.push('Sec-WebSocket-Extensions', extension);
  const headers = headersFor(exchange, response, 101);
  for (let index = 0; index < headers.length; index += 2) {
    const [name, value] = [headers[index]!, headers[index + 1]!];
    if (isOwnField(name.toLowerCase()) || !isToken(name) || INVALID_VALUE.test(value)) continue;
    fields.push(name, value);
  }
  return `HTTP/1.1 101 Switching Protocols\r\n${formatFields(fields)}\r\n`;
}

/** Sends the client an upstream's refusal: status, headers and body, or a body in the gateway's form if it has none. */
export function passRefusal(exchange: Exchange, { response: refusal, body }: RefusedHandshake): void {
  const { response, upstream } = exchange;
  const { status } = refusal;
  const kept = withoutFraming(headersFor(exchange, refusal, status), body.length === 0);
  let content: Buffer | string = body;
  if (body.length === 0) {
    const error = new HttpException({ error: STATUS_CODES[status] ?? 'Refused', service: upstream }, status);
    content = toErrorResponse(error, exchange.id).body;
    kept.push('Content-Type', 'application/json; charset=utf-8', ...OWN_RESPONSE_HEADERS);
  }
  response.writeHead(status, phraseFor(status, refusal.phrase), [
    ...kept,
    'Content-Length',
    String(Buffer.byteLength(content)),
  ]);
  // Not a string: Node would write the head as UTF-8 with it, and so double its latin1 bytes.
  response.end(Buffer.from(content));
}

function headersFor(exchange: Exchange, { headers }: ResponseHead, status: number): readonly string[] {
  const added = addedHeadersFor(exchange, headers);
  const fields = responseHeadersFor(headers, added, status, false).headers;
  return exchange.responseChanges?.applyTo(fields, added.length) ?? fields;
}

/** Whether the gateway alone writes a field of a 101. @param lower its name */
function isOwnField(lower: string): boolean {
  return CONNECTION_FIELDS.has(lower) || lower.startsWith('sec-websocket-');
}

function withoutFraming(headers: readonly string[], isEmpty: boolean): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const lower = headers[index]!.toLowerCase();
    if (lower === 'content-length' || lower === 'trailer' || (isEmpty && lower === 'content-type')) continue;
    kept.push(headers[index]!, headers[index + 1]!);
  }
  return kept;
}
