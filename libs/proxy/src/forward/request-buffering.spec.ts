import { createMemoryExchange } from '../../../../test/support/memory-exchange.js';
import type { RequestBody } from './request-body.js';
import { RequestBuffering } from './request-buffering.js';
import type { StreamedBodyLimit } from './streamed-body-limit.js';

const QUEUE_TIMEOUT_MS = 2_000;
const SMALL = { 'content-length': '65536' };
const LARGE = { 'content-length': '65537' };

interface Changes {
  readonly headers?: Record<string, string>;
  readonly outcome?: 'acquired' | 'queued' | 'network limit' | 'queue full';
  readonly passesExpect?: boolean;
}

/** The buffering of a request, with all that it tells its body, its limit and its listener. */
function createBuffering({ headers = {}, outcome = 'acquired', passesExpect = false }: Changes = {}) {
  const exchange = createMemoryExchange({ method: 'POST', headers, clientAddress: '2001:db8::1' });
  exchange.expectContinue();
  const told: (string | undefined)[] = [];
  const body = {
    isComplete: false,
    hasTrailers: false,
    buffer: () => told.push('buffer'),
    stopBuffering: () => told.push('stop'),
    whole: () => Buffer.from('whole'),
  };
  const streamedBodyLimit = {
    queueTimeoutMs: QUEUE_TIMEOUT_MS,
    tryAcquire: () => outcome,
    release: () => told.push('release'),
  } as unknown as StreamedBodyLimit;
  const buffering = new RequestBuffering(
    exchange,
    body as unknown as RequestBody,
    { upstream: 'x', streamedBodyLimit, passesExpect },
    {
      onReady: (ready) => told.push(Buffer.isBuffer(ready) ? 'whole' : 'streamed'),
      onRefused: ({ errorCode }) => told.push(errorCode),
    },
  );
  return { exchange, told, body, buffering };
}

describe('the buffering of a request', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('counts by the network of the client', () => {
    expect(createBuffering().buffering.network).toBe('2001:db8:0:0::/64');
  });

  it.each([
    ['of a known length', SMALL],
    ['in chunks', {}],
  ])('reads a small body %s whole', (_what, headers) => {
    const { exchange, told, body, buffering } = createBuffering({ headers });
    buffering.start(false);
    expect([told, exchange.waitsForContinue]).toEqual([['buffer'], false]);

    body.isComplete = true;
    buffering.onBuffered();
    buffering.onComplete();
    jest.runAllTimers();

    expect(told).toEqual(['buffer', 'stop', 'whole']);
  });

  it('streams a body with trailers, which comes in chunks', () => {
    const { told, body, buffering } = createBuffering();
    buffering.start(false);
    Object.assign(body, { isComplete: true, hasTrailers: true });

    buffering.onBuffered();

    expect(told).toEqual(['buffer', 'stop', 'streamed']);
  });

  it('streams a slow body after 100 ms', () => {
    const { told, buffering } = createBuffering({ headers: SMALL });
    buffering.start(false);

    jest.advanceTimersByTime(99);
    expect(told).toEqual(['buffer']);
    jest.advanceTimersByTime(1);

    expect(told).toEqual(['buffer', 'stop', 'streamed']);
  });

  it('streams a body that is too large, once', () => {
    const { told, buffering } = createBuffering();
    buffering.start(false);

    buffering.onBuffered();
    jest.runAllTimers();

    expect(told).toEqual(['buffer', 'stop', 'streamed']);
  });

  it('waits for a body that must be whole', () => {
    const { told, buffering } = createBuffering({ headers: SMALL });

    buffering.start(true);
    jest.runAllTimers();

    expect(told).toEqual(['buffer']);
  });

  it('ends in time with a body that is given up', () => {
    const { told, buffering } = createBuffering();
    buffering.start(false);

    buffering.release();
    jest.runAllTimers();

    expect(told).toEqual(['buffer']);
  });
});

describe('a streamed body', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('is one of a large length, and has its share until its end', () => {
    const { exchange, told, buffering } = createBuffering({ headers: LARGE });

    buffering.start(true);
    expect([told, exchange.waitsForContinue, buffering.isQueued]).toEqual([['streamed'], false, false]);
    buffering.onComplete();
    buffering.release();

    expect(told).toEqual(['streamed', 'release']);
  });

  it.each([
    ['network limit', 'TOO_MANY_UPLOADS'],
    ['queue full', 'UPSTREAM_BODIES_BUSY'],
  ] as const)('that is %s is not read: %s', (outcome, errorCode) => {
    const { exchange, told, buffering } = createBuffering({ headers: LARGE, outcome });

    buffering.start(false);
    buffering.release();

    expect([told, exchange.waitsForContinue]).toEqual([[errorCode], true]);
  });

  it('waits in the queue for its share', () => {
    const { exchange, told, buffering } = createBuffering({ headers: LARGE, outcome: 'queued' });

    buffering.start(false);
    expect([told, exchange.waitsForContinue, buffering.isQueued]).toEqual([[], true, true]);
    buffering.onAcquired();

    expect([told, exchange.waitsForContinue, buffering.isQueued]).toEqual([['streamed'], false, false]);
  });

  it('waits in the queue no longer than its timeout', () => {
    const { told, buffering } = createBuffering({ headers: LARGE, outcome: 'queued' });
    jest.advanceTimersByTime(1_000);
    buffering.start(false);
    const queuedAt = performance.now();

    buffering.tick(queuedAt + QUEUE_TIMEOUT_MS);
    expect(told).toEqual([]);
    buffering.tick(queuedAt + QUEUE_TIMEOUT_MS + 1);

    expect(told).toEqual(['UPSTREAM_BODIES_BUSY']);
  });

  it('is sent whole if it is complete while it is queued', () => {
    const { told, body, buffering } = createBuffering({ outcome: 'queued' });
    buffering.start(false);
    jest.advanceTimersByTime(100);
    body.isComplete = true;

    buffering.onComplete();
    buffering.tick(60_000);

    expect(told).toEqual(['buffer', 'stop', 'release', 'whole']);
  });

  it('is one whose client waits for the response of the service', () => {
    const { exchange, told, buffering } = createBuffering({ headers: SMALL, passesExpect: true });

    buffering.start(true);

    expect([told, exchange.waitsForContinue]).toEqual([['streamed'], true]);
  });

  it('is none if the service passes expectations and the client has none', () => {
    const { exchange, told, buffering } = createBuffering({ headers: SMALL, passesExpect: true });
    exchange.waitsForContinue = false;

    buffering.start(true);

    expect(told).toEqual(['buffer']);
  });
});
