import { createMemoryExchange } from '../../../../test/support/memory-exchange.js';
import type { ProxyException } from '../http/exceptions.js';
import { BUFFERED_BODY_BYTES } from './announced-body.js';
import { RequestBody } from './request-body.js';

const LIMIT_BYTES = 1_000_000;
const RATE = { bytesPerSecond: 100, graceMs: 5_000 };

/** The body of a request whose events the test emits, with all that it tells. */
function createBody(limitBytes = LIMIT_BYTES) {
  const exchange = createMemoryExchange({ method: 'POST' });
  const { request } = exchange;
  const told: (string | undefined)[] = [];
  const body = new RequestBody(exchange, limitBytes, RATE, (error: ProxyException) =>
    told.push(error.errorCode),
  );
  body.listener = {
    onBuffered: () => told.push('buffered'),
    onComplete: () => told.push('complete'),
  };
  let takes = true;
  const sink = {
    writeBody: (chunk: Buffer) => {
      told.push(`${chunk.length} bytes`);
      return takes;
    },
    endBody: () => void told.push('end'),
  };
  const data = (bytes: number): boolean => request.emit('data', Buffer.alloc(bytes));
  const isPaused = (): boolean[] => [body.isPaused, request.isPaused()];
  return {
    exchange,
    request,
    body,
    told,
    sink,
    data,
    isPaused,
    take: (more: boolean) => void (takes = more),
  };
}

const PAUSED = [true, true];
const READING = [false, false];

describe('the body of a request', () => {
  it('is not read before someone asks', () => {
    expect(createBody().isPaused()).toEqual(PAUSED);
  });

  it.each([
    [{}, true],
    [{ 'content-length': '3' }, false],
  ])('is chunked without a length: %j', (headers, isChunked) => {
    const body = new RequestBody(createMemoryExchange({ headers }), LIMIT_BYTES, RATE, () => {});

    expect(body.isChunked).toBe(isChunked);
  });

  it('is buffered until its end', () => {
    const { exchange, request, body, told, data, isPaused } = createBody();
    exchange.waitsForContinue = true;
    body.buffer();
    expect(isPaused()).toEqual(READING);

    data(BUFFERED_BODY_BYTES);
    expect([isPaused(), told, body.isComplete]).toEqual([READING, [], false]);
    request.emit('end');

    expect([told, body.isComplete, body.isUntouched]).toEqual([['buffered', 'complete'], true, true]);
    expect([body.whole().length, exchange.requestBytes]).toEqual([BUFFERED_BODY_BYTES, BUFFERED_BODY_BYTES]);
    expect(exchange.waitsForContinue).toBe(false);
  });

  it('is buffered until it is too large, and waits then', () => {
    const { request, body, told, data, isPaused } = createBody();
    body.buffer();

    data(BUFFERED_BODY_BYTES);
    data(1);
    expect([isPaused(), told]).toEqual([PAUSED, ['buffered']]);
    request.emit('end');

    expect(told).toEqual(['buffered', 'complete']);
  });

  it('tells of no buffering that was stopped', () => {
    const { request, body, told } = createBody();
    body.buffer();

    body.stopBuffering();
    request.emit('end');

    expect(told).toEqual(['complete']);
  });

  it('is read as its sink takes it', () => {
    const { request, body, told, sink, data, isPaused, take } = createBody();
    body.sendTo(sink);
    expect([isPaused(), body.isUntouched]).toEqual([READING, false]);
    take(false);

    data(5_000);
    expect(isPaused()).toEqual(PAUSED);
    take(true);
    body.onDrain();
    expect(isPaused()).toEqual(READING);
    request.emit('end');

    expect(told).toEqual(['5000 bytes', 'end', 'complete']);
  });

  it('is paused at the high-water mark if its sink is late', () => {
    const { body, sink, data, isPaused } = createBody();
    body.buffer();
    body.stopBuffering();

    data(64 * 1024 - 1);
    expect(isPaused()).toEqual(READING);
    data(1);
    expect(isPaused()).toEqual(PAUSED);
    body.sendTo(sink);

    expect(isPaused()).toEqual(READING);
  });

  it('is not read on once it is complete', () => {
    const { request, body, sink, data, isPaused, take } = createBody();
    body.sendTo(sink);
    take(false);
    data(5_000);
    request.emit('end');

    body.onDrain();

    expect(isPaused()).toEqual(PAUSED);
  });
});

describe('the body of a request fails', () => {
  it('past its limit, and passes no byte of the chunk on', () => {
    const { request, body, told, sink, data } = createBody(10_000);
    body.sendTo(sink);

    data(10_000);
    data(1);
    data(1);
    request.emit('end');
    request.emit('close');

    expect(told).toEqual(['10000 bytes', 'BODY_TOO_LARGE']);
  });

  it('if the client leaves before its end, and not after', () => {
    const [gone, whole] = [createBody(), createBody()];

    gone.request.emit('close');
    whole.request.emit('end');
    whole.request.emit('close');

    expect([gone.told, whole.told]).toEqual([['CLIENT_GONE'], ['complete']]);
  });

  it.each([
    [499, ['BODY_TOO_SLOW']],
    [500, []],
  ])('below the minimum rate, at the end of each grace period: %d bytes', (bytes, end) => {
    const { body, told, data } = createBody();
    body.buffer();
    data(500);
    for (let each = 0; each < 10; each++) body.tick(500);
    data(bytes);

    for (let each = 0; each < 9; each++) body.tick(500);
    expect(told).toEqual([]);
    body.tick(500);

    expect(told).toEqual(end);
  });

  it('at no rate while it is paused, complete or destroyed', () => {
    const [paused, complete, destroyed] = [createBody(), createBody(), createBody()];
    complete.body.buffer();
    complete.request.emit('end');
    destroyed.body.buffer();
    destroyed.body.destroy();

    for (const { body } of [paused, complete, destroyed]) body.tick(60_000);

    expect([paused.told, complete.told, destroyed.told]).toEqual([[], ['buffered', 'complete'], []]);
  });

  it('in silence after it was destroyed', () => {
    const { request, body, told, sink, data, isPaused, take } = createBody();
    body.sendTo(sink);
    take(false);
    data(5_000);
    data(7);

    body.destroy();
    request.pause();
    body.isPaused = true;
    body.onDrain();
    data(LIMIT_BYTES);
    request.emit('end');
    request.emit('close');

    expect([told, isPaused(), body.isComplete]).toEqual([['5000 bytes'], PAUSED, false]);
  });
});
