import { StreamedBodyLimit, type StreamedBody } from './streamed-body-limit.js';

interface Body extends StreamedBody {
  granted: boolean;
}

function bodyOf(network: string): Body {
  return {
    network,
    granted: false,
    onAcquired() {
      this.granted = true;
    },
  };
}

function createLimit(connections = 8) {
  return new StreamedBodyLimit(() => connections, { share: 0.5, networkShare: 0.25, queueTimeoutMs: 1 });
}

describe('StreamedBodyLimit', () => {
  it('lets requests hold half of the connections, and those of one network a quarter', () => {
    const limit = createLimit();

    expect(['a', 'a', 'a', 'b', 'b', 'c'].map((network) => limit.tryAcquire(bodyOf(network)))).toEqual([
      'acquired',
      'acquired',
      'refused',
      'acquired',
      'acquired',
      'queued',
    ]);
    expect(limit.inProgress).toBe(4);
  });

  it('lets the first of the queue acquire after a release', () => {
    const limit = createLimit();
    const holders = ['a', 'a', 'b', 'b'].map(bodyOf);
    for (const holder of holders) limit.tryAcquire(holder);
    const [first, second] = [bodyOf('c'), bodyOf('d')];
    for (const queued of [first, second]) limit.tryAcquire(queued);

    limit.release(holders[0]!);

    expect([first.granted, second.granted]).toEqual([true, false]);
    expect(limit.inProgress).toBe(4);
  });

  it('counts queued requests against their network, until they give up', () => {
    const limit = createLimit();
    for (const network of ['a', 'a', 'b', 'b']) limit.tryAcquire(bodyOf(network));
    const [one, two, three] = [bodyOf('c'), bodyOf('c'), bodyOf('c')];
    expect([one, two, three].map((body) => limit.tryAcquire(body))).toEqual(['queued', 'queued', 'refused']);

    limit.release(one);

    expect(limit.tryAcquire(three)).toBe('queued');
    expect(one.granted).toBe(false);
  });

  it('lets one request acquire at least, of any network', () => {
    const limit = createLimit(1);

    expect([limit.tryAcquire(bodyOf('a')), limit.tryAcquire(bodyOf('b'))]).toEqual(['acquired', 'queued']);
  });

  it('forgets networks without requests', () => {
    const limit = createLimit();
    for (let index = 0; index < 1_000; index++) {
      const body = bodyOf(`network ${index}`);
      limit.tryAcquire(body);
      limit.release(body);
    }

    expect(limit.inProgress).toBe(0);
    expect((limit as unknown as { byNetwork: Map<string, number> }).byNetwork.size).toBe(0);
  });
});
