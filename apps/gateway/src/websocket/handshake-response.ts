import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { toErrorResponse, OWN_RESPONSE_HEADERS } from '@app/gateway';
import { responseHeadersFor, type Exchange } from '@app/proxy';
import { HttpException } from '@nestjs/common';

/** A service that answered a handshake with another status than 101. */
export interface HandshakeResponse {
  readonly instance: string;
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

/** How much of a refusal's body is passed on. */
const LIMIT_BYTES = 64 * 1024;

/** The body of a refusal, or as much of it as the limit lets through. */
export async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let left = LIMIT_BYTES;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) break;
  }
  return Buffer.concat(chunks);
}

/** Passes a service's refusal on: its status, headers and body, or an error of the gateway's form where it has none. */
export function passResponse(exchange: Exchange, { response: refusal, body }: HandshakeResponse): void {
  const { response, upstream } = exchange;
  const status = refusal.statusCode!;
  const raw = refusal.rawHeaders.map((text) => Buffer.from(text, 'latin1'));
  const { headers } = responseHeadersFor(raw, exchange.responseHeaders, status, false);
  const kept = withoutFraming(headers, body.length === 0);
  let content: Buffer | string = body;
  if (body.length === 0) {
    const error = new HttpException({ error: STATUS_CODES[status] ?? 'Refused', service: upstream }, status);
    content = toErrorResponse(error, exchange.id).body;
    kept.push('Content-Type', 'application/json; charset=utf-8', ...OWN_RESPONSE_HEADERS);
  }
  response.writeHead(status, [...kept, 'Content-Length', String(Buffer.byteLength(content))]);
  response.end(content);
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
