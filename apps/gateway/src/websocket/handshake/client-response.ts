import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { toErrorResponse, OWN_RESPONSE_HEADERS } from '@app/gateway';
import { responseHeadersFor, type Exchange } from '@app/proxy';
import { HttpException } from '@nestjs/common';
import type { UpstreamWebSocket } from '../relay/relay-record.js';

/** An upstream's 101, with its open WebSocket. */
export interface AcceptedHandshake extends UpstreamWebSocket {
  /** The address of the instance. */
  readonly instance: string;
  readonly response: IncomingMessage;
}

/** An upstream's response with a status other than 101. */
export interface RefusedHandshake {
  readonly instance: string;
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

/** Most bytes of a refused handshake's body that go to the client. */
const LIMIT_BYTES = 64 * 1024;

/** The subprotocol and the further headers of a client's 101. */
export interface ClientHandshake {
  /** The subprotocol that the upstream chose; empty if it chose none. */
  readonly subprotocol: string;
  /** Header lines, `NAME: VALUE`. */
  readonly headers: readonly string[];
}

/** Makes a client's handshake from the upstream's subprotocol and headers, and the headers that the gateway adds. */
export function createClientHandshake(
  exchange: Exchange,
  { response, subprotocol }: AcceptedHandshake,
): ClientHandshake {
  const headers = headersFor(exchange, response, 101);
  const lines: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const [name, value] = [headers[index]!, headers[index + 1]!];
    // `ws` writes UTF-8, which would change bytes other than ASCII.
    if (/^sec-websocket-|^content-length$/i.test(name) || /[^\t -~]/.test(value)) continue;
    lines.push(`${name}: ${value}`);
  }
  return { subprotocol, headers: lines };
}

/** Reads the body of a refused handshake, up to the limit. */
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

/** Sends the client an upstream's refusal: status, headers and body, or a body in the gateway's form if it has none. */
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
