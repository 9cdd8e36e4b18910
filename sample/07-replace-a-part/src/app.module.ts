import { GatewayModule, LoadBalancer, Upstream } from '@secureconnect/gateway';
import { Module } from '@nestjs/common';
import { WeightedBalancer } from './weighted.balancer.js';

@Upstream({
  name: 'stock',
  instances: ['http://127.0.0.1:4107', 'http://127.0.0.1:4117'],
  routes: [{ methods: ['GET'], path: '/stock', auth: 'none' }],
})
class StockUpstream {}

@Module({
  imports: [GatewayModule.forRoot()],
  providers: [StockUpstream, { provide: LoadBalancer, useClass: WeightedBalancer }],
})
export class AppModule {}
