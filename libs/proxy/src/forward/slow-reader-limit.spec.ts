import { SlowReaderLimit, type SlowReader } from './slow-reader-limit.js';
import { StreamedBodyLimit } from './streamed-body-limit.js';

class Reader implements SlowReader {
  isCut = false;

  constructor(
    readonly network: string,
    private readonly limit: SlowReaderLimit,
  ) {}

  breakOff(): void {
    this.isCut = true;
    this.limit.delete(this);
  }
}

interface Surroundings {
  waiting: number;
  /** Networks of requests with a streamed body. */
  bodies: readonly string[];
}

/** A limit of 8 in all and 4 of a network, and readers of these networks. */
function readersOf(networks: readonly string[], around: Partial<Surroundings> = {}) {
  const state: Surroundings = { waiting: 100, bodies: [], ...around };
  const bodies = new StreamedBodyLimit(() => 16, { share: 0.5, networkShare: 0.25, queueTimeoutMs: 5_000 });
  for (const network of state.bodies) bodies.tryAcquire({ network, onAcquired: () => {} });
  const limit = new SlowReaderLimit(bodies, () => state.waiting);
  const readers = networks.map((network) => new Reader(network, limit));
  for (const reader of readers) limit.add(reader);
  return { limit, state, cut: () => readers.flatMap(({ isCut }, index) => (isCut ? [index] : [])) };
}

const times = (count: number, network: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => network(index));

describe('SlowReaderLimit', () => {
  it('cuts those of a network past its share that wait longest', () => {
    const { limit, cut } = readersOf(times(6, () => 'a'));

    limit.tick();

    expect(cut()).toEqual([0, 1]);
  });

  it('cuts those of many networks past the share of all', () => {
    const { limit, cut } = readersOf(times(11, String));

    limit.tick();

    expect(cut()).toEqual([0, 1, 2]);
  });

  it('takes from a network that has too many before it takes from others', () => {
    const { limit, cut } = readersOf([...times(5, () => 'a'), ...times(4, String)]);

    limit.tick();

    expect(cut()).toEqual([0]);
  });

  it('cuts no more than requests wait', () => {
    const { limit, state, cut } = readersOf(
      times(16, () => 'a'),
      { waiting: 0 },
    );

    limit.tick();
    expect(cut()).toEqual([]);
    state.waiting = 2;
    limit.tick();
    expect(cut()).toEqual([0, 1]);
    limit.tick();
    expect(cut()).toEqual([0, 1, 2, 3]);
  });

  it('gives readers and streamed bodies one share, in all and of a network', () => {
    const all = readersOf(times(4, String), { bodies: times(6, (index) => `body ${index}`) });
    const network = readersOf(
      times(3, () => 'a'),
      { bodies: ['a', 'a', 'b'] },
    );

    all.limit.tick();
    network.limit.tick();

    expect([all.cut(), network.cut()]).toEqual([[0, 1], [0]]);
  });

  it('counts no reader that reads again', () => {
    const { limit, cut } = readersOf([]);
    const reader = new Reader('a', limit);
    for (let index = 0; index < 5; index++) limit.add(index === 0 ? reader : new Reader('a', limit));
    limit.delete(reader);

    limit.tick();

    expect([cut(), reader.isCut]).toEqual([[], false]);
  });
});
