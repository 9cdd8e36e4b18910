import { GatewayModule, Upstream } from '@secureconnect/gateway';
import { Module } from '@nestjs/common';

/** The gateway sends these requests to the service, and no others. */
@Upstream({
  name: 'items',
  instances: ['http://127.0.0.1:4101'],
  routes: [
    { methods: ['GET'], path: '/items', auth: 'none' },
    // Without `auth: 'none'`, a route demands an access token.
    { methods: ['GET', 'DELETE'], path: '/items/:id' },
  ],
})
class ItemsUpstream {}

@Module({ imports: [GatewayModule.forRoot({ title: 'First upstream' })], providers: [ItemsUpstream] })
export class AppModule {}
