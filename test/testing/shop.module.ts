import { GatewayModule, Upstream, type Exchange, type Gate } from '@app/gateway';
import { ForbiddenException, Injectable, Module } from '@nestjs/common';

@Injectable()
class TenantGate implements Gate {
  check({ request, principal }: Exchange): void {
    const { 'x-tenant': tenant } = request.headers;
    if (principal && principal.claims?.['tenant'] !== tenant) throw new ForbiddenException('Not your tenant');
  }
}

@Upstream({
  name: 'shop',
  gates: [TenantGate],
  routes: [
    { methods: ['GET'], path: '/items', auth: 'none' },
    { methods: ['GET', 'POST'], path: '/orders' },
    { methods: ['GET'], path: '/prices', auth: 'none' },
    { methods: ['GET'], path: '/chat', websocket: {} },
  ],
})
class ShopUpstream {}

@Upstream({ name: 'extra', isOptional: true, routes: [{ methods: ['GET'], path: '/extra', auth: 'none' }] })
class ExtraUpstream {}

/** The application of a team. */
@Module({
  imports: [
    GatewayModule.forRoot({
      auth: { audience: 'shop-api', issuer: 'shop-auth', claims: { userId: 'uid', role: 'role' } },
    }),
  ],
  providers: [ShopUpstream, ExtraUpstream, TenantGate],
})
export class ShopModule {}
