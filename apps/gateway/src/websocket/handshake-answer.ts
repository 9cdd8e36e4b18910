import { STATUS_CODES } from 'node:http';
import { responseHeadersFor, type Exchange } from '@app/proxy';
import type { ServiceConnection, ServiceRefusal } from './service-dialer.js';
import type { HandshakeAnswer } from './websocket-route.js';

/** What a client's 101 says: the service's choice and its own headers, and what the gateway adds. */
export function answerFor(exchange: Exchange, { response, subprotocol }: ServiceConnection): HandshakeAnswer {
  const { headers } = responseHeadersFor(asBytes(response.rawHeaders), exchange.responseHeaders, 101, false);
  const lines: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    if (/^sec-websocket-|^content-length$/i.test(headers[index]!)) continue;
    lines.push(`${headers[index]}: ${headers[index + 1]}`);
  }
  return { subprotocol, headers: lines };
}

/** Passes a service's refusal on: its status, headers and body, or an error of the gateway's form where it has none. */
export function passRefusal(exchange: Exchange, { response: refusal, body }: ServiceRefusal): void {
  const { response, upstream: service } = exchange;
  const status = refusal.statusCode!;
  const { headers } = responseHeadersFor(
    asBytes(refusal.rawHeaders),
    exchange.responseHeaders,
    status,
    false,
  );
  const kept = withoutFraming(headers, body.length === 0);
  const content = body.length > 0 ? body : Buffer.from(errorOf(status, service, exchange.id));
  if (body.length === 0) kept.push('Content-Type', 'application/json; charset=utf-8');
  response.writeHead(status, [...kept, 'Content-Length', String(content.length)]);
  response.end(content);
}

function errorOf(status: number, service: string | undefined, requestId: string): string {
  return JSON.stringify({ error: STATUS_CODES[status] ?? 'Refused', service, request_id: requestId });
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

function asBytes(raw: readonly string[]): Buffer[] {
  return raw.map((text) => Buffer.from(text, 'latin1'));
}
