import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** A request as a fake upstream got it. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly path: string;
  /** Names and values as sent, in order. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  /** As Node joins them, with names in lower case. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as UTF-8. */
  readonly text: string;
  /** Whether the whole body came: not if it broke off, or was not read. */
  readonly isComplete: boolean;
  /** The index of the instance that got it. The first is 0. */
  readonly instance: number;
  /** The body as JSON. @throws SyntaxError if it is none */
  json(): unknown;
}

/** Records a request without its body. */
export function recordHead(incoming: IncomingMessage, instance: number): RecordedRequest {
  return record(incoming, instance, Buffer.alloc(0));
}

/** Records a request when its body has ended, or has broken off. */
export async function recordWhole(incoming: IncomingMessage, instance: number): Promise<RecordedRequest> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
  } catch {
    // The gateway has cut it: `isComplete` says so.
  }
  return record(incoming, instance, Buffer.concat(chunks));
}

function record(incoming: IncomingMessage, instance: number, body: Buffer): RecordedRequest {
  const { method = '', url = '', headers, rawHeaders, complete } = incoming;
  const pairs = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1]!] as const] : [],
  );
  const text = body.toString();
  return {
    method,
    path: url,
    rawHeaders: pairs,
    headers,
    body,
    text,
    isComplete: complete,
    instance,
    json: () => JSON.parse(text) as unknown,
  };
}
