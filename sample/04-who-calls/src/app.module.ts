import { GatewayModule, Upstream } from '@secureconnect/gateway';
import { Module } from '@nestjs/common';

/** The service reads who calls from headers, and needs no key of tokens: clients cannot send these headers themselves. */
@Upstream({
  name: 'profiles',
  instances: ['http://127.0.0.1:4104'],
  requestHeaders: {
    set: { 'X-User-Id': { from: 'principal.id' }, 'X-Plan': { from: 'claims.plan' } },
    remove: ['Authorization'],
  },
  routes: [
    {
      methods: ['GET'],
      path: '/profiles/:id',
      requestHeaders: { set: { 'X-Profile': { from: 'parameters.id' } } },
      responseHeaders: { set: { 'Cache-Control': 'no-store' } },
    },
  ],
})
class ProfilesUpstream {}

@Module({ imports: [GatewayModule.forRoot()], providers: [ProfilesUpstream] })
export class AppModule {}
