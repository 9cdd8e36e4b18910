import { GatewayModule, Upstream } from '@secureconnect/gateway';
import { Module } from '@nestjs/common';

/** Both routes share one limit. RATELIMIT_SEARCH=50 sets another number. */
const limit = { name: 'SEARCH', perMinute: 3 };

@Upstream({
  name: 'search',
  instances: ['http://127.0.0.1:4105'],
  routes: [
    { methods: ['GET'], path: '/search', auth: 'none', limit },
    { methods: ['GET'], path: '/suggest', auth: 'none', limit },
    // A route without a limit of its own shares RATELIMIT_DEFAULT, 100 a minute.
    { methods: ['GET'], path: '/languages', auth: 'none' },
  ],
})
class SearchUpstream {}

@Module({ imports: [GatewayModule.forRoot()], providers: [SearchUpstream] })
export class AppModule {}
