import { Module } from '@nestjs/common';
import { ErrorResponder, GatewayModule, Upstream } from '@secureconnect/gateway';
import { ProblemResponder } from './problem.responder.js';

@Upstream({
  name: 'orders',
  instances: ['http://127.0.0.1:4000'],
  routes: [{ methods: ['GET'], path: '/orders' }],
})
class OrdersUpstream {}

/** A gateway whose error responses are the team's own. */
@Module({
  imports: [GatewayModule.forRoot()],
  providers: [OrdersUpstream, { provide: ErrorResponder, useClass: ProblemResponder }],
})
export class AppModule {}
