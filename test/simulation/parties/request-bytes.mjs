import { chunkOf } from '../bodies.mjs';

/** Lines that a service must get as they are: duplicates, spellings, and bytes past ASCII. */
export const REQUEST_LINES = ['X-Sim-Two: one', 'x-sIM-two: two', 'X-Sim-Latin: \u00e9t\u00e9'];

/** The head of a request, with the id by which a service finds it. */
export function headOf({ id, method, route, bodyLength, hasKey, isOld, expects }, token, isChunked) {
  const lines = [
    `${method} ${route}?sim=${id} HTTP/1.${isOld ? 0 : 1}`,
    'Host: simulation',
    ...REQUEST_LINES,
    ...(token ? [`Authorization: Bearer ${token}`] : []),
    ...(expects ? ['Expect: 100-continue'] : []),
    ...(hasKey ? [`Idempotency-Key: ${id}`] : []),
  ];
  if (bodyLength > 0) lines.push(isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bodyLength}`);
  else if (method === 'POST' || method === 'PUT') lines.push('Content-Length: 0');
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** A body as one chunk and its end. */
export const chunked = (body) => Buffer.concat([chunkOf(body), Buffer.from('0\r\n\r\n')]);
