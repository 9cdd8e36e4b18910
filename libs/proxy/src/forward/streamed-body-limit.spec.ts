import { setImmediate as turn } from 'node:timers/promises';
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
      'network limit',
      'acquired',
      'acquired',
      'queued',
    ]);
    expect(limit.inProgress).toBe(4);
  });

  it('lets the first of the queue acquire after a release', async () => {
    const limit = createLimit();
    const holders = ['a', 'a', 'b', 'b'].map(bodyOf);
    for (const holder of holders) limit.tryAcquire(holder);
    const [first, second] = [bodyOf('c'), bodyOf('d')];
    for (const queued of [first, second]) limit.tryAcquire(queued);

    limit.release(holders[0]!);
    await turn();

    expect([first.granted, second.granted]).toEqual([true, false]);
    expect(limit.inProgress).toBe(4);
  });

  it('counts queued requests against their network, until they give up', () => {
    const limit = createLimit();
    for (const network of ['a', 'a', 'b', 'b']) limit.tryAcquire(bodyOf(network));
    const [one, two, three] = [bodyOf('c'), bodyOf('c'), bodyOf('c')];
    expect([one, two, three].map((body) => limit.tryAcquire(body))).toEqual([
      'queued',
      'queued',
      'network limit',
    ]);

    limit.release(one);

    expect(limit.tryAcquire(three)).toBe('queued');
    expect(one.granted).toBe(false);
  });

  it('has a queue as long as there are connections', () => {
    const limit = createLimit(8);
    const outcomes = Array.from({ length: 14 }, (_, index) => limit.tryAcquire(bodyOf(`network ${index}`)));

    expect(outcomes.filter((outcome) => outcome === 'acquired')).toHaveLength(4);
    expect(outcomes.slice(4)).toEqual([
      ...Array.from({ length: 8 }, () => 'queued'),
      'queue full',
      'queue full',
    ]);
  });

  it('lets requests of the queue go on that fail at once, however many', async () => {
    const limit = createLimit(20_000);
    const holders = Array.from({ length: 10_000 }, (_, index) => bodyOf(`network ${index}`));
    for (const holder of holders) limit.tryAcquire(holder);
    let failed = 0;
    for (let index = 0; index < 20_000; index++) {
      const body: StreamedBody = {
        network: `other network ${index}`,
        onAcquired() {
          failed++;
          limit.release(this);
        },
      };
      expect(limit.tryAcquire(body)).toBe('queued');
    }

    limit.release(holders[0]!);
    await turn();

    expect(failed).toBe(20_000);
    expect(limit.inProgress).toBe(9_999);
  });

  it('lets the queue go on when there are more connections', async () => {
    let connections = 2;
    const limit = new StreamedBodyLimit(() => connections, {
      share: 0.5,
      networkShare: 0.5,
      queueTimeoutMs: 1,
    });
    limit.tryAcquire(bodyOf('a'));
    const queued = bodyOf('b');
    limit.tryAcquire(queued);

    connections = 4;
    limit.dequeueSoon();
    await turn();

    expect(queued.granted).toBe(true);
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
