import { once } from 'node:events';
import {
  CurrentPrincipal,
  GatewayHealthIndicator,
  GatewayModule,
  InjectProxy,
  ProxyModule,
  Upstream,
  type Exchange,
  type Gate,
  type GatewayOptions,
  type Principal,
} from '@app/gateway';
import {
  Controller,
  ForbiddenException,
  Get,
  Injectable,
  Module,
  Req,
  Res,
  type MiddlewareConsumer,
  type NestModule,
  type Type,
} from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'http-proxy-middleware';
import { WebSocket } from 'ws';
import { bearer, startGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';

@Injectable()
class TenantGate implements Gate {
  check({ request, responseHeaders, route }: Exchange): void {
    if (route?.isMonitoring) return;
    if (!request.headers['x-tenant']) throw new ForbiddenException('Tenant required');
    responseHeaders.push('X-Order', 'tenant');
  }
}

@Injectable()
class ShopGate implements Gate {
  check({ responseHeaders }: Exchange): void {
    responseHeaders.push('X-Order', 'shop');
  }
}

@Upstream({
  name: 'shop',
  gates: [ShopGate],
  routes: [
    { methods: ['GET'], path: '/items', auth: 'none' },
    { methods: ['GET'], path: '/private' },
    { methods: ['GET'], path: '/live', auth: 'none', websocket: {} },
  ],
})
class ShopUpstream {}

@Upstream({ name: 'billing', routes: [{ methods: ['GET'], path: '/bills', auth: 'none' }] })
class BillingUpstream {}

@Controller('orders')
class OrdersController {
  @Get('mine')
  read(@CurrentPrincipal() { userId }: Principal): { userId: string } {
    return { userId };
  }
}

// In another module than the one that imports the gateway.
@Module({ providers: [TenantGate] })
class TenantModule {}

function rootWith(options: GatewayOptions): Type {
  @Module({
    imports: [GatewayModule.forRoot(options), TenantModule],
    controllers: [OrdersController],
    providers: [ShopGate, ShopUpstream, BillingUpstream],
  })
  class RootModule {}
  return RootModule;
}

async function startWith(options: GatewayOptions) {
  const service = await startService((_request, response) => response.end('served'));
  const env = { SHOP_SERVICE_URL: service.url, BILLING_SERVICE_URL: service.url };
  const gateway = await startGateway({ root: rootWith(options), env });
  const dispose = async (): Promise<void> => {
    await gateway[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  };
  return { url: gateway.url, [Symbol.asyncDispose]: dispose };
}

describe('a gate of the application', () => {
  it('refuses requests of every upstream, handshakes and unknown paths', async () => {
    await using gateway = await startWith({ gates: [TenantGate] });

    for (const path of ['/items', '/bills', '/unknown']) {
      const response = await fetch(gateway.url + path);
      expect([path, response.status, await response.json()]).toEqual([
        path,
        403,
        expect.objectContaining({ error: 'Tenant required' }),
      ]);
    }
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/live`);
    const [, refusal] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(refusal.statusCode).toBe(403);
    socket.on('error', () => {}).terminate();
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  it('runs after the gates of the gateway, and before those of the upstream', async () => {
    await using gateway = await startWith({ gates: [TenantGate] });

    const passed = await fetch(`${gateway.url}/items`, { headers: { 'X-Tenant': 'acme' } });
    const stranger = await fetch(`${gateway.url}/private`);

    expect([passed.status, passed.headers.get('X-Order')]).toEqual([200, 'tenant, shop']);
    expect(stranger.status).toBe(401);
  });
});

describe('a route of a controller', () => {
  it('gets its tokens checked by the gateway, and a place in the document', async () => {
    await using gateway = await startWith({
      controllerRoutes: [{ methods: ['GET'], path: '/orders/mine', summary: 'My orders' }],
    });

    const stranger = await fetch(`${gateway.url}/orders/mine`);
    const mine = await fetch(`${gateway.url}/orders/mine`, { headers: bearer({ sub: 'ada' }) });
    const document: unknown = await (await fetch(`${gateway.url}/swagger`)).json();

    expect(stranger.status).toBe(401);
    expect(await stranger.json()).toMatchObject({ error: 'Authorization header required' });
    expect(await mine.json()).toEqual({ userId: 'ada' });
    expect(document).toMatchObject({ paths: { '/orders/mine': { get: { summary: 'My orders' } } } });
  });
});

describe('an optional upstream without an instance', () => {
  @Upstream({
    name: 'extra',
    isOptional: true,
    routes: [
      { methods: ['GET'], path: '/extra', auth: 'none', websocket: {} },
      { methods: ['GET'], path: '/public', rewrite: '/internal', auth: 'none', websocket: {} },
    ],
  })
  class ExtraUpstream {}

  @WebSocketGateway({ path: '/extra' })
  class ExtraGateway {}

  @WebSocketGateway({ path: '/internal' })
  class InternalGateway {}

  @Controller('called')
  class CallingController {
    constructor(@InjectProxy('extra') private readonly proxy: RequestHandler) {}

    @Get()
    async call(@Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
      await this.proxy(request, response);
    }
  }

  @Module({
    imports: [GatewayModule.forRoot(), ProxyModule.forFeature('extra')],
    controllers: [CallingController],
    providers: [ExtraUpstream, ExtraGateway, InternalGateway],
  })
  class ExtraModule implements NestModule {
    constructor(@InjectProxy('extra') private readonly proxy: RequestHandler) {}

    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(this.proxy).forRoutes('/legacy');
    }
  }

  it('leaves out its WebSocket classes too, and its proxy responds 404', async () => {
    await using gateway = await startGateway({ root: ExtraModule });

    for (const path of ['/extra', '/legacy/a', '/called']) {
      const response = await fetch(gateway.url + path);
      expect([path, response.status, await response.json()]).toEqual([
        path,
        404,
        expect.objectContaining({ error: 'Not found' }),
      ]);
    }
    expect(gateway.logs).not.toContainEqual(expect.objectContaining({ level: 'error' }));
  });
});

describe('what GatewayModule exports', () => {
  @Injectable()
  class StatusService {
    constructor(readonly gateway: GatewayHealthIndicator) {}
  }
  @Module({ providers: [StatusService] })
  class StatusModule {}

  function rootOf(isGlobal: boolean): Type {
    @Module({ imports: [GatewayModule.forRoot({ isGlobal }), StatusModule] })
    class RootModule {}
    return RootModule;
  }

  it('is injected into every module with isGlobal, and into no other without', async () => {
    await using gateway = await startGateway({ root: rootOf(true) });

    const { gateway: indicator } = gateway.app.get(StatusService, { strict: false });
    expect(await indicator.isHealthy()).toMatchObject({ gateway: { checks: expect.anything() } });
    await expect(startGateway({ root: rootOf(false) })).rejects.toThrow('GatewayHealthIndicator');
  });
});
