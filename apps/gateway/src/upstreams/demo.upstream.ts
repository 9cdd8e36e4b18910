import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';

/** The page on which the system can be seen to work; only there where `DEMO_SERVICE_URL` says who serves it. */
@Upstream({
  name: 'demo-service',
  instances: { compose: [], local: [] },
  routes: [{ methods: ['GET'], path: '/demo', auth: 'none' }],
})
class DemoUpstream {}

@Module({ providers: [DemoUpstream] })
export class DemoModule {}
