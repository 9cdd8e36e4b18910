import { BodySlots, type StreamedBody } from './body-slots.js';

interface Body extends StreamedBody {
  granted: boolean;
}

function bodyOf(network: string): Body {
  return {
    network,
    granted: false,
    onBodySlot() {
      this.granted = true;
    },
  };
}

function createSlots(connections = 8) {
  return new BodySlots(() => connections, { share: 0.5, networkShare: 0.25, waitMs: 1 });
}

describe('BodySlots', () => {
  it('gives half of the connections away, a quarter to one network', () => {
    const slots = createSlots();

    expect(['a', 'a', 'a', 'b', 'b', 'c'].map((network) => slots.acquire(bodyOf(network)))).toEqual([
      'acquired',
      'acquired',
      'refused',
      'acquired',
      'acquired',
      'waiting',
    ]);
    expect(slots.inProgress).toBe(4);
  });

  it('gives a slot that is given back to the first who waits', () => {
    const slots = createSlots();
    const holders = ['a', 'a', 'b', 'b'].map(bodyOf);
    for (const holder of holders) slots.acquire(holder);
    const [first, second] = [bodyOf('c'), bodyOf('d')];
    for (const waiter of [first, second]) slots.acquire(waiter);

    slots.release(holders[0]!);

    expect([first.granted, second.granted]).toEqual([true, false]);
    expect(slots.inProgress).toBe(4);
  });

  it('counts those that wait against their network, until they give up', () => {
    const slots = createSlots();
    for (const network of ['a', 'a', 'b', 'b']) slots.acquire(bodyOf(network));
    const [one, two, three] = [bodyOf('c'), bodyOf('c'), bodyOf('c')];
    expect([one, two, three].map((body) => slots.acquire(body))).toEqual(['waiting', 'waiting', 'refused']);

    slots.release(one);

    expect(slots.acquire(three)).toBe('waiting');
    expect(one.granted).toBe(false);
  });

  it('has one slot at least, for every network', () => {
    const slots = createSlots(1);

    expect([slots.acquire(bodyOf('a')), slots.acquire(bodyOf('b'))]).toEqual(['acquired', 'waiting']);
  });

  it('forgets networks without requests', () => {
    const slots = createSlots();
    for (let index = 0; index < 1_000; index++) {
      const body = bodyOf(`network ${index}`);
      slots.acquire(body);
      slots.release(body);
    }

    expect(slots.inProgress).toBe(0);
    expect((slots as unknown as { byNetwork: Map<string, number> }).byNetwork.size).toBe(0);
  });
});
