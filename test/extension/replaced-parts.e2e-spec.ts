import { createServer } from 'node:net';
import { once } from 'node:events';
import {
  ErrorResponder,
  LoadBalancer,
  RateLimitStore,
  RevocationSource,
  toErrorResponse,
  type BalancerCandidate,
  type ErrorResponse,
  type RateLimitCount,
  type Revocation,
} from '@app/gateway';
import { Module, type Provider, type Type } from '@nestjs/common';
import { bearer, startGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { startService } from '../support/service.js';

class Store extends RateLimitStore {
  consume(_key: string, points: number, windowMs: number): RateLimitCount {
    return { consumedPoints: points, msBeforeNext: windowMs };
  }
}

class Source extends RevocationSource {
  async *load(): AsyncIterable<readonly Revocation[]> {
    yield [{ kind: 'token', id: 'revoked', ttlMs: 60_000 }];
  }
}

class Balancer extends LoadBalancer {
  pick(candidates: readonly BalancerCandidate[]): BalancerCandidate {
    return candidates.at(-1)!;
  }
}

class Responder extends ErrorResponder {
  toErrorResponse(exception: unknown, requestId: string): ErrorResponse {
    return { ...toErrorResponse(exception, requestId), body: 'no', contentType: 'text/plain' };
  }
}

const STORE = { provide: RateLimitStore, useClass: Store };
const SOURCE = { provide: RevocationSource, useClass: Source };

function moduleWith(...providers: Provider[]): Type {
  @Module({ providers })
  class TeamModule {}
  return TeamModule;
}

/** A Redis that counts connections and says nothing. */
async function startSilentRedis() {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => {}).destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `redis://127.0.0.1:${port}`,
    connections: () => connections,
    [Symbol.dispose]: () => void server.close(),
  };
}

describe('the four parts of a team', () => {
  it('work together', async () => {
    await using one = await startService((_request, response) => response.end('one'));
    await using other = await startService((_request, response) => response.end('other'));
    const balancer = { provide: LoadBalancer, useClass: Balancer };
    const responder = { provide: ErrorResponder, useClass: Responder };
    await using gateway = await startGateway({
      modules: [moduleWith(STORE, SOURCE), moduleWith(balancer, responder)],
      env: { CHAT_SERVICE_URL: `${one.url},${other.url}`, RATELIMIT: 'on' },
    });
    const ask = (tokenId: string): Promise<Response> =>
      fetch(`${gateway.url}/v1/messages`, { headers: bearer({ jti: tokenId }) });

    for (let each = 0; each < 4; each++) {
      const response = await ask('good');
      expect([response.status, await response.text()]).toEqual([200, 'other']);
      const [limit, remaining] = ['Limit', 'Remaining'].map((name) =>
        response.headers.get(`X-RateLimit-${name}`),
      );
      expect(Number(remaining)).toBe(Number(limit) - 1);
    }
    const refused = await ask('revoked');
    expect([refused.status, refused.headers.get('Content-Type'), await refused.text()]).toEqual([
      401,
      'text/plain',
      'no',
    ]);
  });
});

describe('Redis', () => {
  it('is for nothing if both its parts are replaced: nothing connects, and the gateway is ready', async () => {
    using redis = await startSilentRedis();
    await using service = await startService((_request, response) => response.end());
    const urls = ['AUTH', 'CHAT', 'VIDEO', 'STORAGE'].map((name) => [`${name}_SERVICE_URL`, service.url]);
    await using gateway = await startGateway({
      modules: [moduleWith(STORE, SOURCE)],
      env: { ...(Object.fromEntries(urls) as Record<string, string>), REDIS_URL: redis.url },
    });

    const ready = (await (await fetch(`${gateway.url}/health/ready`)).json()) as { details: object };
    const metrics = await metricsOf(gateway);

    expect(ready).toMatchObject({ status: 'ok' });
    expect(Object.keys(ready.details)).not.toContain('redis');
    expect(metrics).toMatch(/^redis_degraded_mode(?:\{.*\})? 0$/m);
    expect(gateway.logs.filter(({ message }) => String(message).startsWith('redis'))).toEqual([]);
    expect(redis.connections()).toBe(0);
  });

  it.each([[STORE], [SOURCE]])('is connected to if one of its parts is replaced: %j', async (provider) => {
    using redis = await startSilentRedis();
    await using gateway = await startGateway({
      modules: [moduleWith(provider)],
      env: { REDIS_URL: redis.url },
    });

    expect(await (await fetch(`${gateway.url}/health/ready`)).json()).toMatchObject({
      details: { redis: { status: 'degraded' } },
    });
    expect(redis.connections()).toBeGreaterThan(0);
  });
});
