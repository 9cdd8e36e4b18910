import { GatewayModule, GatewayThrottlerStorage } from '@app/gateway';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { Throttle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { startGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';

const MINUTE = 60_000;

@Controller('reports')
@UseGuards(ThrottlerGuard)
class ReportsController {
  @Get()
  list(): string {
    return 'reports';
  }

  @Get('large')
  @Throttle({ default: { ttl: MINUTE, limit: 1, blockDuration: 90_000 } })
  large(): string {
    return 'large';
  }
}

@Module({
  imports: [
    GatewayModule.forRoot({ isGlobal: true }),
    ThrottlerModule.forRootAsync({
      inject: [GatewayThrottlerStorage],
      useFactory: (storage: GatewayThrottlerStorage) => ({
        throttlers: [{ ttl: MINUTE, limit: 2 }],
        storage,
      }),
    }),
  ],
  controllers: [ReportsController],
})
class TeamModule {}

const startReports = (env: Readonly<Record<string, string>> = {}) => startGateway({ root: TeamModule, env });

async function hit(url: string, path = '/reports'): Promise<readonly [number, ...(string | null)[]]> {
  const { status, headers } = await fetch(url + path);
  return [status, headers.get('X-RateLimit-Remaining'), headers.get('Retry-After')];
}

describe('a throttler without Redis', () => {
  it('counts in memory', async () => {
    await using team = await startReports();

    expect(await hit(team.url)).toEqual([200, '1', null]);
    expect(await hit(team.url)).toEqual([200, '0', null]);
    expect(await hit(team.url)).toEqual([429, null, '60']);
    expect(await hit(team.url, '/reports/large')).toEqual([200, '0', null]);
    expect(await hit(team.url, '/reports/large')).toEqual([429, null, '90']);
    expect(await hit(team.url, '/reports/large')).toEqual([429, null, '90']);
  });

  it('lets its share of the limit pass', async () => {
    await using team = await startReports({ GATEWAY_REPLICAS: '2' });

    expect((await hit(team.url))[0]).toBe(200);
    expect((await hit(team.url))[0]).toBe(429);
  });
});

describeWithRedis('a throttler with Redis', () => {
  it('counts for all gateways, by one command for a request', async () => {
    await using redis = await RedisServer.start();
    await using one = await startReports({ REDIS_URL: redis.url });
    await using other = await startReports({ REDIS_URL: redis.url });
    const client = await redis.client();
    // The first command of a connection has the text of the script, all others its digest.
    for (const { app } of [one, other])
      await app.get(GatewayThrottlerStorage).increment('x', MINUTE, 9, 0, 'x');
    await hit(one.url);
    const before = await evaluations(client);

    expect(await hit(other.url)).toEqual([200, '0', null]);
    expect(await hit(one.url)).toEqual([429, null, '60']);
    expect(await hit(other.url)).toEqual([429, null, '60']);
    expect((await evaluations(client)) - before).toBe(3);
  });

  it('blocks for the time of the block, and counts nothing meanwhile', async () => {
    await using redis = await RedisServer.start();
    await using team = await startReports({ REDIS_URL: redis.url });
    const storage = team.app.get(GatewayThrottlerStorage);
    const increment = (blockMs: number) => storage.increment('key', 30_000, 1, blockMs, 'default');
    const client = await redis.client();

    expect(await increment(90_000)).toEqual({
      totalHits: 1,
      timeToExpire: 30,
      isBlocked: false,
      timeToBlockExpire: 0,
    });
    const blocked = { totalHits: 2, timeToExpire: 90, isBlocked: true, timeToBlockExpire: 90 };
    expect(await increment(90_000)).toEqual(blocked);
    expect(await increment(90_000)).toEqual(blocked);
    // The end of the block.
    await client.del('gateway:throttler:default:key');
    expect(await increment(90_000)).toMatchObject({ totalHits: 1, isBlocked: false });
  });

  it('refuses until the window ends if there is no block', async () => {
    await using redis = await RedisServer.start();
    await using team = await startReports({ REDIS_URL: redis.url });
    const storage = team.app.get(GatewayThrottlerStorage);
    const increment = () => storage.increment('key', 30_000, 1, 0, 'default');

    expect(await increment()).toMatchObject({ totalHits: 1, isBlocked: false });
    expect(await increment()).toMatchObject({ totalHits: 2, isBlocked: true, timeToBlockExpire: 30 });
  });

  it('counts in memory while Redis is away, and tells Redis afterwards', async () => {
    await using redis = await RedisServer.start();
    await using team = await startReports({ REDIS_URL: redis.url });
    expect(await hit(team.url)).toEqual([200, '1', null]);
    await redis.kill();

    expect((await hit(team.url))[0]).toBe(200);
    await team.logged({ message: 'redis degraded: limits and revocation go on from memory' });
    await redis.restart();
    await team.logged({ message: 'redis is back' });

    // The hit in memory and this one; Redis was empty.
    expect(await hit(team.url)).toEqual([200, '0', null]);
    expect((await hit(team.url))[0]).toBe(429);
  });
});

type Client = Awaited<ReturnType<RedisServer['client']>>;

/** Scripts that Redis has run by their digest. */
async function evaluations(client: Client): Promise<number> {
  const stats = await client.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}
