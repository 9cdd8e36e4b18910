import type { IncomingHttpHeaders } from 'node:http';
import { createMemoryExchange } from '../../../../test/support/memory-exchange.js';
import { isRetryableRequest } from './retryable-request.js';

const KEYED = { 'idempotency-key': 'k' };

describe('a request', () => {
  it.each<[string, IncomingHttpHeaders, boolean, boolean]>([
    ['GET', {}, false, true],
    ['HEAD', {}, false, true],
    ['OPTIONS', {}, false, true],
    ['TRACE', {}, false, false],
    ['PUT', {}, false, false],
    ['DELETE', { 'content-length': '0' }, false, false],
    ['GET', { 'content-length': '1' }, false, false],
    ['POST', { ...KEYED, 'content-length': '65536' }, false, false],
    ['POST', { ...KEYED, 'content-length': '65536' }, true, true],
    ['POST', { ...KEYED, 'content-length': '65537' }, true, false],
    ['POST', { ...KEYED, 'transfer-encoding': 'chunked' }, true, false],
    ['POST', { 'content-length': '1' }, true, false],
  ])(
    '%s with %j, on a route that retries keyed requests (%s), is retryable: %s',
    (method, headers, retriesKeyed, isRetryable) => {
      expect(isRetryableRequest(createMemoryExchange({ method, headers }).request, retriesKeyed)).toBe(
        isRetryable,
      );
    },
  );
});
