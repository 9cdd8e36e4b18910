import { createServer } from 'node:http';
import {
  LoadBalancer,
  Upstream,
  type BalancerCandidate,
  type Exchange,
  type UpstreamOptions,
} from '@app/gateway';
import { LeastRequestBalancer } from '@app/proxy/internal';
import { loadBalancerKit } from '@app/testing';
import { Injectable, Module, type Provider, type Type } from '@nestjs/common';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';

/** One instance after the other. */
@Injectable()
class RoundRobin extends LoadBalancer {
  private next = 0;

  pick(candidates: readonly BalancerCandidate[]): BalancerCandidate {
    return candidates[this.next++ % candidates.length]!;
  }
}

/** The instance that a header names, else the first. */
@Injectable()
class ByHeader extends LoadBalancer {
  pick(candidates: readonly BalancerCandidate[], exchange: Exchange | undefined): BalancerCandidate {
    const wanted = exchange?.request.headers['x-instance'];
    return candidates.find(({ origin }) => origin === wanted) ?? candidates[0]!;
  }
}

/** A balancer that breaks its contract. */
type Picked = (candidates: BalancerCandidate[]) => unknown;

const FAULTS: readonly (readonly [string, Picked])[] = [
  [
    'throws',
    () => {
      throw new Error('a fault of the team');
    },
  ],
  ['picks nothing', () => undefined],
  [
    'picks an instance of its own',
    () => ({ origin: 'http://127.0.0.1:9', activeRequests: 0, load: () => 1 }),
  ],
  ['picks a copy', ([first]) => ({ ...first })],
  ['returns an origin', ([first]) => first!.origin],
  ['returns a promise', ([first]) => Promise.resolve(first)],
  ['returns a promise that rejects', () => Promise.reject(new Error('a fault of the team'))],
  ['returns a promise that never settles', () => new Promise(() => {})],
  ['empties the candidates', (candidates) => candidates.splice(0)],
];

/** Two services that say which of them has responded. */
async function startServices(count = 2) {
  const stack = new AsyncDisposableStack();
  const services = [];
  for (let each = 0; each < count; each++) {
    const service: Awaited<ReturnType<typeof startService>> = stack.use(
      await startService((_request, response) => response.end(service.url)),
    );
    services.push(service);
  }
  return { urls: services.map(({ url }) => url), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function upstreamOf(instances: readonly string[], options: Partial<UpstreamOptions> = {}): Type {
  @Upstream({
    name: 'pets',
    instances,
    routes: [{ methods: ['GET'], path: '/pets', auth: 'none' }],
    ...options,
  })
  class PetsUpstream {}
  return PetsUpstream;
}

function moduleWith(...providers: Provider[]): Type {
  @Module({ providers })
  class BalancerModule {}
  return BalancerModule;
}

async function ask({ url }: RunningGateway, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${url}/pets`, { headers });
  return response.status === 200 ? response.text() : String(response.status);
}

describe.each([LeastRequestBalancer, RoundRobin, ByHeader])('a load balancer, %p,', (type) => {
  // The last one looks at a header alone: all clients of the kit are one to it.
  const cases = loadBalancerKit.filter(({ name }) => type !== ByHeader || !name.includes('many clients'));
  it.each(cases)('$name', ({ run }) => run(() => new type()));
});

describe("a team's load balancer", () => {
  it('picks the instances of all upstreams', async () => {
    await using services = await startServices(3);
    const balancer = { provide: LoadBalancer, useClass: RoundRobin };
    await using gateway = await startGateway({ modules: [moduleWith(balancer, upstreamOf(services.urls))] });

    const seen = [];
    for (let each = 0; each < 6; each++) seen.push(await ask(gateway));

    expect(seen).toEqual([...services.urls, ...services.urls]);
  });

  it('picks by what it reads of the exchange, for one upstream', async () => {
    await using services = await startServices();
    const upstream = upstreamOf(services.urls, { loadBalancer: ByHeader });
    await using gateway = await startGateway({ modules: [moduleWith(ByHeader, upstream)] });

    for (const url of services.urls) expect(await ask(gateway, { 'X-Instance': url })).toBe(url);
    expect(await ask(gateway)).toBe(services.urls[0]);
  });

  it('is not asked for an instance that was tried', async () => {
    await using services = await startServices();
    const gone = createServer((_request, response) => response.destroy());
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as { port: number };
    const origin = `http://127.0.0.1:${port}`;
    const upstream = upstreamOf([origin, ...services.urls], { loadBalancer: ByHeader });
    await using gateway = await startGateway({ modules: [moduleWith(ByHeader, upstream)] });

    expect(await ask(gateway, { 'X-Instance': origin })).toBe(services.urls[0]);
    gone.close();
  });

  it('is not asked if there is no choice', async () => {
    await using services = await startServices(1);
    const pick = jest.fn();
    const balancer = { provide: LoadBalancer, useValue: { pick } };
    await using gateway = await startGateway({ modules: [moduleWith(balancer, upstreamOf(services.urls))] });

    expect(await ask(gateway)).toBe(services.urls[0]);
    expect(pick).not.toHaveBeenCalled();
  });

  it('gets no instance that is full', async () => {
    await using services = await startServices();
    const seen: number[] = [];
    const pick = (candidates: readonly BalancerCandidate[]): BalancerCandidate => {
      seen.push(candidates.length);
      return candidates[0]!;
    };
    const held: (() => void)[] = [];
    let isHeld = true;
    await using slow = await startService((_request, response) => {
      if (isHeld) held.push(() => response.end('held'));
      else response.end('held');
    });
    const upstream = upstreamOf([slow.url, ...services.urls]);
    const balancer = { provide: LoadBalancer, useValue: { pick } };
    await using gateway = await startGateway({
      modules: [moduleWith(balancer, upstream)],
      env: { UPSTREAM_MAX_CONNECTIONS: '1', UPSTREAM_MAX_PENDING: '1' },
    });

    // One has the connection, one waits for it.
    const both = [ask(gateway), ask(gateway)];
    while (seen.length < 2) await new Promise(setImmediate);
    expect(await ask(gateway)).toBe(services.urls[0]);
    isHeld = false;
    for (const respond of held) respond();
    expect(await Promise.all(both)).toEqual(['held', 'held']);
    expect(seen).toEqual([3, 3, 2]);
  });

  it.each(FAULTS)("that %s gives way to the gateway's own, and one line says so", async (_name, pick) => {
    await using services = await startServices();
    const balancer = { provide: LoadBalancer, useValue: { pick } };
    await using gateway = await startGateway({ modules: [moduleWith(balancer, upstreamOf(services.urls))] });

    const seen = new Set<string>();
    for (let each = 0; each < 40; each++) seen.add(await ask(gateway));

    expect([...seen].toSorted()).toEqual(services.urls.toSorted());
    expect(gateway.logs.filter(({ message }) => message === 'load balancer failed')).toEqual([
      expect.objectContaining({ level: 'error', failures: 1 }),
    ]);
  });
});

describe('the boot stops at', () => {
  const balancer = { provide: LoadBalancer, useClass: RoundRobin };

  it.each([
    [
      'load balancers of two modules',
      [moduleWith(balancer), moduleWith(balancer)],
      /Two modules provide LoadBalancer: BalancerModule and BalancerModule/,
    ],
    [
      'a load balancer that cannot pick',
      [moduleWith({ provide: LoadBalancer, useValue: { choose: () => {} } })],
      /LoadBalancer of BalancerModule has no method pick/,
    ],
    [
      'an upstream whose load balancer no module provides',
      [moduleWith(upstreamOf(['http://127.0.0.1:9'], { loadBalancer: ByHeader }))],
      /ByHeader/,
    ],
  ])('%s', async (_name, modules, message) => {
    await expect(startGateway({ modules })).rejects.toThrow(message);
  });
});
