import {
  GatewayHealthIndicator,
  GatewayModule,
  ReadinessCheck,
  Upstream,
  type ReadinessIndicator,
} from '@app/gateway';
import { Controller, Get, Module } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  TerminusModule,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';

@Upstream({
  name: 'shop',
  instances: ['http://127.0.0.1:9'],
  routes: [{ methods: ['GET'], path: '/items', auth: 'none' }],
})
class ShopUpstream {}

@ReadinessCheck()
class LicenceCheck implements ReadinessIndicator {
  isDown = false;

  check(): HealthIndicatorResult {
    return { licence: { status: this.isDown ? 'down' : 'up' } };
  }
}

@Controller('status')
class StatusController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly gateway: GatewayHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  read() {
    const database = () => ({ database: { status: 'up' as const } });
    return this.health.check([
      database,
      () => this.gateway.isHealthy(),
      () => this.gateway.isHealthy('edge'),
    ]);
  }
}

@Module({
  imports: [GatewayModule.forRoot(), TerminusModule],
  controllers: [StatusController],
  providers: [ShopUpstream, LicenceCheck],
})
class TeamModule {}

async function read({ url }: RunningGateway) {
  const response = await fetch(`${url}/status`);
  const body = (await response.json()) as { readonly status: string; readonly details: object };
  return { code: response.status, ...body };
}

describe("a team's own health check", () => {
  it('has the readiness of the gateway, which is degraded without Redis', async () => {
    await using gateway = await startGateway({ root: TeamModule });

    const { code, status, details } = await read(gateway);

    expect({ code, status }).toEqual({ code: 200, status: 'degraded' });
    const expected = {
      status: 'degraded',
      checks: {
        redis: { status: 'degraded', message: 'unreachable' },
        shop: { status: 'up', instances: '1 of 1', circuit: 'closed' },
        gateway: { status: 'up' },
        licence: { status: 'up' },
      },
    };
    expect(details).toMatchObject({ database: { status: 'up' }, gateway: expected, edge: expected });
  });

  it('is down if a check is down', async () => {
    await using gateway = await startGateway({ root: TeamModule });
    gateway.app.get(LicenceCheck).isDown = true;

    expect(await read(gateway)).toMatchObject({
      code: 503,
      details: { gateway: { status: 'down', checks: { licence: { status: 'down' } } } },
    });
  });

  it('is down while the gateway drains', async () => {
    await using gateway = await startGateway({ root: TeamModule, env: { SHUTDOWN_DELAY_MS: '500' } });
    void gateway.app.close();
    await gateway.logged({ message: 'drain begins: not ready, still serving' });

    const { code, details } = await read(gateway);

    expect(code).toBe(503);
    expect(details).toMatchObject({
      gateway: { status: 'down', checks: { gateway: { status: 'down', message: 'draining' } } },
    });
  });
});

describeWithRedis("a team's own health check, with Redis", () => {
  it('is up', async () => {
    await using redis = await RedisServer.start();
    await using gateway = await startGateway({ root: TeamModule, env: { REDIS_URL: redis.url } });

    expect(await read(gateway)).toMatchObject({
      code: 200,
      status: 'ok',
      details: { gateway: { status: 'up', checks: { redis: { status: 'up' } } } },
    });
  });
});
