import { once } from 'node:events';
import type { Socket } from 'node:net';
import { startRawService, type PlayedService } from './service.js';

/** The bytes of a request on the wire, all as latin1. */
export interface RecordedRequest {
  readonly line: string;
  /** Names and values as sent, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface RecordingService extends PlayedService {
  readonly requests: readonly RecordedRequest[];
  /** Bytes of all connections that are no complete request. */
  readonly leftovers: () => string;
  /** Every received byte. */
  readonly bytes: () => string;
  /** Resolves when no connection is open, so that no more bytes can arrive. */
  readonly disconnected: () => Promise<void>;
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A service that frames requests strictly by RFC 9112, records every byte, and sends the same response to each request. */
export async function startRecordingService(answer = OK): Promise<RecordingService> {
  const requests: RecordedRequest[] = [];
  const pending = new Map<Socket, string>();
  let bytes = '';
  const service = await startRawService((socket) => {
    pending.set(socket, '');
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      bytes += text;
      pending.set(socket, pending.get(socket)! + text);
      for (let taken = take(pending.get(socket)!); taken; taken = take(taken.rest)) {
        requests.push(taken.request);
        pending.set(socket, taken.rest);
        socket.write(answer, 'latin1');
      }
    });
  });
  return Object.assign(service, {
    requests,
    leftovers: () => [...pending.values()].join(''),
    bytes: () => bytes,
    async disconnected() {
      for (const socket of service.sockets) await once(socket, 'close');
    },
  });
}

/** The values of a header; the case of its name is ignored. */
export function valuesOf({ headers }: RecordedRequest, name: string): string[] {
  return headers.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

function take(text: string): { readonly request: RecordedRequest; readonly rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [line = '', ...fields] = text.slice(0, end).split('\r\n');
  const headers = fields.map((field) => {
    const colon = field.indexOf(': ');
    return [field.slice(0, colon), field.slice(colon + 2)] as const;
  });
  const head = { line, headers, body: '' };
  const rest = text.slice(end + 4);
  if (valuesOf(head, 'transfer-encoding').length > 0) {
    const chunked = takeChunks(rest);
    return chunked && { request: { ...head, body: chunked.body }, rest: chunked.rest };
  }
  const length = Number(valuesOf(head, 'content-length')[0] ?? 0);
  if (rest.length < length) return undefined;
  return { request: { ...head, body: rest.slice(0, length) }, rest: rest.slice(length) };
}

function takeChunks(text: string): { readonly body: string; readonly rest: string } | undefined {
  let body = '';
  for (let rest = text; ;) {
    const size = /^([0-9a-fA-F]+)\r\n/.exec(rest);
    if (!size) return undefined;
    const from = size[0].length;
    const to = from + Number.parseInt(size[1]!, 16);
    if (rest.slice(to, to + 2) !== '\r\n') return undefined;
    if (to === from) return { body, rest: rest.slice(to + 2) };
    body += rest.slice(from, to);
    rest = rest.slice(to + 2);
  }
}
