import { GatewayModule, Upstream } from '@secureconnect/gateway';
import { Module } from '@nestjs/common';
import { TenantGate } from './tenant.gate.js';

@Upstream({
  name: 'orders',
  instances: ['http://127.0.0.1:4102'],
  gates: [TenantGate],
  routes: [{ methods: ['GET'], path: '/orders', auth: 'none' }],
})
class OrdersUpstream {}

@Module({ imports: [GatewayModule.forRoot()], providers: [OrdersUpstream, TenantGate] })
export class AppModule {}
