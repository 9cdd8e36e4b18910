import type { BodySink } from '../transport/upstream-call.js';
import { BodyDelivery } from './body-delivery.js';

const LARGE = 'x'.repeat(4 * 1024);

function createDelivery() {
  const told: string[] = [];
  let takes = Infinity;
  const sink: BodySink = {
    writeBody(chunk) {
      told.push(chunk.length < LARGE.length ? chunk.toString() : 'large');
      return --takes > 0;
    },
    endBody: (trailers) => void told.push(`end ${trailers.join()}`),
  };
  let rooms = 0;
  const delivery = new BodyDelivery({ onRoom: () => rooms++ });
  const push = (...chunks: string[]): void => chunks.forEach((chunk) => delivery.push(Buffer.from(chunk)));
  const takeOnly = (chunks: number): void => void (takes = chunks);
  return { delivery, sink, told, push, takeOnly, rooms: () => rooms };
}

describe('the delivery of a body', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('keeps what comes before its sink', () => {
    const { delivery, sink, told, push } = createDelivery();
    push('a', LARGE);
    expect([told, delivery.bytes, delivery.whole().toString()]).toEqual([[], LARGE.length + 1, `a${LARGE}`]);

    delivery.start(sink);

    expect([told, delivery.bytes]).toEqual([['a', 'large'], 0]);
  });

  it('sends small chunks once in a turn, and a large one at once with those before it', () => {
    const { delivery, sink, told, push } = createDelivery();
    delivery.start(sink);

    push('a', 'b', 'c');
    expect([told, jest.getTimerCount()]).toEqual([[], 1]);
    jest.runAllTimers();
    expect(told).toEqual(['abc']);
    push('d', LARGE);

    expect([told, jest.getTimerCount()]).toEqual([['abc', 'd', 'large'], 0]);
    push('e');
    jest.runAllTimers();
    expect(told.at(-1)).toBe('e');
  });

  it('waits for its sink, and tells its owner of room', () => {
    const { delivery, sink, told, push, takeOnly, rooms } = createDelivery();
    takeOnly(1);
    push('a', 'b');

    delivery.start(sink);
    expect([told, delivery.isFull, rooms()]).toEqual([['a'], true, 0]);
    takeOnly(2);
    delivery.onDrain();

    expect([told, delivery.isFull, rooms()]).toEqual([['a', 'b'], false, 1]);
  });

  it('ends its sink once, behind what waits, with the trailers', () => {
    const { delivery, sink, told, push, takeOnly } = createDelivery();
    takeOnly(1);
    delivery.start(sink);
    push('a', 'b');
    jest.runAllTimers();
    push('c');

    delivery.end(['X-Sum', '1']);
    expect(told).toEqual(['a']);
    takeOnly(9);
    delivery.onDrain();
    delivery.onDrain();

    expect(told).toEqual(['a', 'b', 'c', 'end X-Sum,1']);
  });

  it('ends its sink at once if it takes all', () => {
    const { delivery, sink, told, push } = createDelivery();
    delivery.start(sink);
    push('a');

    delivery.end([]);

    expect(told).toEqual(['a', 'end ']);
  });

  it('ends a sink that comes after the end', () => {
    const { delivery, sink, told, push } = createDelivery();
    push('a');
    delivery.end([]);

    delivery.start(sink);

    expect(told).toEqual(['a', 'end ']);
  });

  it('sends nothing after its stop', () => {
    const { delivery, sink, told, push, takeOnly } = createDelivery();
    takeOnly(1);
    delivery.start(sink);
    push('a');
    jest.runAllTimers();
    push('b');

    delivery.stop();
    expect([delivery.bytes, jest.getTimerCount()]).toEqual([0, 0]);
    delivery.onDrain();
    delivery.end([]);

    expect(told).toEqual(['a']);
  });
});
