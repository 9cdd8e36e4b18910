import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { toErrorResponse, OWN_RESPONSE_HEADERS } from '@app/gateway';
import { responseHeadersFor, type Exchange } from '@app/proxy';
import { HttpException } from '@nestjs/common';
import type { UpstreamWebSocket } from '../relay/relay-record.js';

/** The 101 of an upstream, with its open WebSocket. */
export interface AcceptedHandshake extends UpstreamWebSocket {
  /** The address of the instance. */
  readonly instance: string;
  readonly response: IncomingMessage;
}

/** Another status than 101 of an upstream. */
export interface RefusedHandshake {
  readonly instance: string;
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

/** How much of a refusal's body is passed on. */
const LIMIT_BYTES = 64 * 1024;

/** What a client's 101 says beside the handshake itself. */
export interface ClientHandshake {
  /** The one that the upstream chose; empty if it chose none. */
  readonly subprotocol: string;
  /** Whole lines. */
  readonly headers: readonly string[];
}

/** The upstream's choice and its own headers, and the headers that the gateway adds. */
export function createClientHandshake(
  exchange: Exchange,
  { response, subprotocol }: AcceptedHandshake,
): ClientHandshake {
  const headers = headersFor(exchange, response, 101);
  const lines: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const [name, value] = [headers[index]!, headers[index + 1]!];
    // `ws` writes UTF-8: bytes past ASCII would not arrive as they are.
    if (/^sec-websocket-|^content-length$/i.test(name) || /[^\t -~]/.test(value)) continue;
    lines.push(`${name}: ${value}`);
  }
  return { subprotocol, headers: lines };
}

/** The body of a refusal, or as much of it as the limit lets through. */
export async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let left = LIMIT_BYTES;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) break;
  }
  return Buffer.concat(chunks);
}

/** Passes an upstream's refusal on: its status, headers and body, or an error of the gateway's form if it has none. */
export function passRefusal(exchange: Exchange, { response: refusal, body }: RefusedHandshake): void {
  const { response, upstream } = exchange;
  const status = refusal.statusCode!;
  const kept = withoutFraming(headersFor(exchange, refusal, status), body.length === 0);
  let content: Buffer | string = body;
  if (body.length === 0) {
    const error = new HttpException({ error: STATUS_CODES[status] ?? 'Refused', service: upstream }, status);
    content = toErrorResponse(error, exchange.id).body;
    kept.push('Content-Type', 'application/json; charset=utf-8', ...OWN_RESPONSE_HEADERS);
  }
  response.writeHead(status, [...kept, 'Content-Length', String(Buffer.byteLength(content))]);
  response.end(content);
}

function headersFor(exchange: Exchange, { rawHeaders }: IncomingMessage, status: number): readonly string[] {
  const raw = rawHeaders.map((text) => Buffer.from(text, 'latin1'));
  return responseHeadersFor(raw, exchange.responseHeaders, status, false).headers;
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
