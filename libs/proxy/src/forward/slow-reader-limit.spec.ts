import { SlowReaderLimit, type SlowReader } from './slow-reader-limit.js';

class Reader implements SlowReader {
  isCut = false;

  constructor(
    readonly network: string,
    private readonly limit: SlowReaderLimit,
  ) {}

  cutSlowReader(): void {
    this.isCut = true;
    this.limit.delete(this);
  }
}

/** A limit of 8 in all and 4 of a network, and readers of these networks. */
function readersOf(networks: readonly string[], connections = { isWaitedFor: true }) {
  const limit = new SlowReaderLimit(
    { count: () => 16, hasWaiting: () => connections.isWaitedFor },
    { share: 0.5, networkShare: 0.25 },
  );
  const readers = networks.map((network) => new Reader(network, limit));
  for (const reader of readers) limit.add(reader);
  return { limit, cut: () => readers.flatMap(({ isCut }, index) => (isCut ? [index] : [])) };
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

  it('cuts none while no request waits for a connection', () => {
    const connections = { isWaitedFor: false };
    const { limit, cut } = readersOf(
      times(16, () => 'a'),
      connections,
    );

    limit.tick();
    expect([cut(), limit.cutTotal]).toEqual([[], 0]);
    connections.isWaitedFor = true;
    limit.tick();
    expect(cut()).toHaveLength(12);
    expect(limit.cutTotal).toBe(12);
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
