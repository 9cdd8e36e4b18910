import { GatewayModule, Upstream, type Exchange, type Gate } from '@app/gateway';
import { ForbiddenException, Injectable, Module } from '@nestjs/common';

/** Lets a user read the orders of the user's own tenant. */
@Injectable()
class TenantGate implements Gate {
  check({ request, principal }: Exchange): void {
    if (principal && principal.claims?.['tenant'] !== request.headers['x-tenant'])
      throw new ForbiddenException('Not your tenant');
  }
}

@Upstream({
  name: 'shop',
  gates: [TenantGate],
  routes: [
    { methods: ['GET'], path: '/orders' },
    { methods: ['GET'], path: '/chat', websocket: {} },
  ],
})
class ShopUpstream {}

@Module({ imports: [GatewayModule.forRoot()], providers: [ShopUpstream, TenantGate] })
export class AppModule {}
