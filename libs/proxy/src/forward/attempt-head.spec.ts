import { createMemoryExchange, type MemoryRequest } from '../../../../test/support/memory-exchange.js';
import type { UpstreamRequest } from '../transport/upstream-call.js';
import type { ForwardOptions } from './forward-options.js';
import { createAttemptFields, formatAttemptHead } from './attempt-head.js';

interface Outgoing extends MemoryRequest {
  readonly body?: UpstreamRequest['body'];
  readonly closesConnection?: boolean;
  readonly passesExpect?: boolean;
}

/** The lines of the head that goes to the service. */
function linesOf({ body = null, closesConnection = false, passesExpect = false, ...request }: Outgoing) {
  const exchange = createMemoryExchange(request);
  exchange.expectContinue();
  const fields = createAttemptFields(exchange, {} as ForwardOptions, 'service:80');
  const attempt = { target: '/t?q', host: 'service:80', body, closesConnection };
  const head = formatAttemptHead(exchange, { passesExpect }, fields, attempt);
  return head.split('\r\n');
}

const STREAMED = { isChunked: true, sendTo: () => {}, onDrain: () => {} };
const announcing = (length: string): Outgoing => ({ method: 'POST', headers: { 'content-length': length } });

describe('the head of an attempt', () => {
  it('has the target, and the host of the service if the client has none', () => {
    expect(linesOf({ url: '/other' })[0]).toBe('GET /t?q HTTP/1.1');
    expect(linesOf({})).toContain('Host: service:80');
    expect(linesOf({ headers: { host: 'x' } })).not.toContain('Host: service:80');
  });

  it.each<[string, Outgoing, string | undefined]>([
    ['that came in chunks and is whole', { method: 'POST', body: Buffer.from('abc') }, 'Content-Length: 3'],
    ['of a stream with a length', { ...announcing('9'), body: STREAMED }, 'content-length: 9'],
    ['of a stream without', { method: 'POST', body: STREAMED }, 'Transfer-Encoding: chunked'],
    ['that is missing', { method: 'POST' }, 'Content-Length: 0'],
    ['that a request has not', { method: 'GET' }, undefined],
  ])('has the framing of a body %s', (_what, request, field) => {
    const framing = linesOf(request).filter((line) => /^(?:content-length|transfer-encoding):/i.test(line));

    expect(framing).toEqual(field === undefined ? [] : [field]);
  });

  it('tells the service that its connection closes, and that the client waits, if it is so', () => {
    const isHead = (line: string): boolean => /^(?:Connection: close|Expect: 100-continue)$/i.test(line);

    expect(linesOf({ closesConnection: true, passesExpect: true }).filter(isHead)).toHaveLength(2);
    expect(linesOf({}).filter(isHead)).toEqual([]);
  });

  it.each([
    ['trailers', 'te', true],
    ['gzip, Trailers;q=1', 'close, TE', true],
    ['trailers', 'close', false],
    ['trailers', undefined, false],
    ['gzip', 'te', false],
    ['xtrailers', 'te', false],
    ['trailers', 'x-te', false],
  ])('asks for trailers if the client takes them: TE %s, Connection %s', (te, connection, takes) => {
    const lines = linesOf({ headers: { te, ...(connection !== undefined && { connection }) } });

    expect(lines.some((line) => /^te: trailers$/i.test(line))).toBe(takes);
  });

  it('announces the trailers that may pass', () => {
    const trailer = 'X-Sum, Content-Length';
    const lines = linesOf({ method: 'POST', headers: { trailer }, body: STREAMED });

    expect(lines).toContain('Trailer: X-Sum');
  });
});
