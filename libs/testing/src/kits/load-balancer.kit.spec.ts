import type { BalancerCandidate, LoadBalancer } from '@app/gateway';
import { failures } from './failures.testing.js';
import { loadBalancerKit } from './load-balancer.kit.js';

type Pick = (candidates: BalancerCandidate[], exchange: unknown) => unknown;

const BALANCERS: readonly (readonly [string, Pick, string[]])[] = [
  ['picks the first', ([first]) => first, ['gives every candidate requests, from many clients']],
  [
    'empties the candidates',
    (candidates) => candidates.splice(0).at(Math.floor(performance.now()) % 4),
    [
      'picks one of the candidates',
      'picks one of the candidates, though others were there before',
      'picks one of the candidates for a WebSocket that is resumed',
      'picks one of the candidates though all are busy',
      'leaves the candidates as they are',
      'gives every candidate requests, from many clients',
    ],
  ],
  [
    'needs an exchange',
    (candidates, exchange) => candidates[(exchange as { id: string }).id.length % candidates.length],
    [
      'picks one of the candidates for a WebSocket that is resumed',
      'gives every candidate requests, from many clients',
    ],
  ],
];

describe('the kit of load balancers', () => {
  it.each(BALANCERS)('finds one that %s', async (_name, pick, expected) => {
    expect(await failures<LoadBalancer>(loadBalancerKit, () => ({ pick }))).toEqual(expected);
  });
});
